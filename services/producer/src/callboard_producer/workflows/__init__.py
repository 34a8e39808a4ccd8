"""Workflows: events of agents, relayed and not stored."""
