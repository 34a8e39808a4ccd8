"""What a login opens: a session with an end, tokens that are refreshed within it, cookies that carry them."""
