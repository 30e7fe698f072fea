"""What training minimises."""

from zoo.wavenet.losses.settled_mean_squared_error import SettledMeanSquaredError, settled

__all__ = ["SettledMeanSquaredError", "settled"]
