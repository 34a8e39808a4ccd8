"""How each kind of client is spoken to. A dialect turns an event into bytes once."""
