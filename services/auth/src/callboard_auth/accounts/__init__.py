"""People: sign-up, and who is behind a call."""
