"""Log lines: numbered from 1 within an attempt, stored once, never rewritten."""
