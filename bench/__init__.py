"""The demonstration, and every number in the README: `python -m bench` prints them all."""
