"""What training shows."""

from zoo.wavenet.metrics.error_decibels import ErrorDecibels

__all__ = ["ErrorDecibels"]
