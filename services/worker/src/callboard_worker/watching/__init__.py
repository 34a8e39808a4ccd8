"""What `callboard watch` shows."""
