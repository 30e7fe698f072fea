"""Configurations of these models and of their data for `python -m zoo train run`."""
