"""From a committed change to a channel's stream and its subscribers: one Lua call, once, in order."""
