"""Bytes and sockets: what is written, in which order, and how a socket ends."""
