"""A command as an execution: its process, its output, its secrets."""
