"""The peers: each the real server, set up as its own documentation recommends for many sockets."""
