"""API tokens: the long-lived credentials of workers, and their exchange for a short one."""
