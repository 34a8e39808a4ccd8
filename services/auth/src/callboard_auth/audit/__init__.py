"""Who did what in an organisation."""
