"""The gateway: NGINX, its configuration, and what looks after it in a container."""
