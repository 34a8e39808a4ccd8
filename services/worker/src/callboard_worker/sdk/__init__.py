"""What a program reports with: the async client, the plain one, and the live events."""
