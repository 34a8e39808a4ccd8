"""Who hears what: members, channels, and the order of events in each."""
