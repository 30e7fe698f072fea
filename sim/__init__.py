"""Benches of the rtl/ modules and of generated networks, and what builds and runs them. Importing has no effect."""
