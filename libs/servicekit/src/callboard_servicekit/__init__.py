"""What each HTTP service of Callboard would otherwise write again."""
