"""The key that signs primary tokens, and how others come to verify them."""
