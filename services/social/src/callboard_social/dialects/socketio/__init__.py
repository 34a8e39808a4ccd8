"""Socket.IO, revision 5 of its protocol, on Engine.IO sessions: packets, namespaces, acknowledgements."""
