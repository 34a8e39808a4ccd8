"""A person in front of a terminal: what is said, how it is interrupted."""
