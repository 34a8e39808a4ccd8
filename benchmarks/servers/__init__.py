"""Our own servers, as they are measured."""
