"""Rooms of an organisation: who is in them, and what is said there."""
