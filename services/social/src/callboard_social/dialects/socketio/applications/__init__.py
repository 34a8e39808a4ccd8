"""What stands behind our namespaces."""
