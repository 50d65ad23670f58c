"""What benchmarks/scale.py measures with: the peers, a verifier of placements, tables and plots."""
