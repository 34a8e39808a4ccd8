"""What runs inside a peer's own process; the Python ones in the benchmarks' own environment."""
