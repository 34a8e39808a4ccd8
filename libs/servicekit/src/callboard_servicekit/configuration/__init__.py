"""What a service would run with, and whether that can go well: ``callboard check-config``."""
