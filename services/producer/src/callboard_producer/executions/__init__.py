"""Executions: their status, attempt by attempt, as workers post it."""
