"""Another system that knows whose a cookie is."""
