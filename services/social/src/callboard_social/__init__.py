"""Connect tokens, sockets, rooms and fan-out. See README.md for how an event travels through it."""
