"""How far a training is: loss and metrics, rate, and time left."""

import time
from collections.abc import Mapping
from typing import Any

import keras

from zoo.screen import Report

_REFRESH = 0.1
"""Seconds between two live lines."""


class Progress:
    """Tells how far a training is: a line after each epoch, and on a terminal one that changes within it.

    Args:
        report: takes the lines; where it has `is_live` and `live`, as `zoo.screen.Screen`, within epochs too.
        epochs: the number of the last epoch.
        batches: in an epoch.
        samples: in an epoch; None where that is not known, and batches are counted.
        unit: what the samples are.
        name: stands in front of every line.
        later: epochs of as many batches that follow this training.
    """

    def __init__(
        self,
        report: Report,
        *,
        epochs: int,
        batches: int,
        samples: int | None = None,
        unit: str = "images",
        name: str = "",
        later: int = 0,
    ) -> None:
        self.report, self.epochs, self.batches, self.name, self.later = report, epochs, batches, name, later
        self.samples, self.unit = (samples, unit) if samples else (batches, "batches")
        self._seconds: list[float] = []
        self._epoch, self._began, self._shown = 0, 0.0, 0.0

    def begin(self, epoch: int, logs: Any = None) -> None:
        """An epoch, counted from 0, begins."""
        self._epoch, self._began = epoch, time.monotonic()

    def within(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """A batch of the epoch, counted from 0, has ended."""
        now = time.monotonic()
        if now - self._shown < _REFRESH:
            return
        self._shown, took, done = now, now - self._began, (batch + 1) / self.batches
        whole = took / done
        left = (1 - done) * whole + (self.epochs - self._epoch - 1 + self.later) * self._mean(whole)
        self.report.live(f"{self._head()}  {100 * done:3.0f}%  {self._tail(logs, self.samples / whole, left)}")

    def end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """An epoch has ended."""
        took = time.monotonic() - self._began
        self._seconds.append(took)
        left = (self.epochs - epoch - 1 + self.later) * self._mean(took)
        self.report(f"{self._head()}  {self._tail(logs, self.samples / max(took, 1e-9), left)}")

    def callback(self, kind: type = keras.callbacks.LambdaCallback) -> Any:
        """The same as a callback of Keras, or of tf_keras where `kind` is its LambdaCallback."""
        live = {"on_train_batch_end": self.within} if getattr(self.report, "is_live", False) else {}
        return kind(on_epoch_begin=self.begin, on_epoch_end=self.end, **live)

    def _mean(self, otherwise: float) -> float:
        return sum(self._seconds) / len(self._seconds) if self._seconds else otherwise

    def _head(self) -> str:
        return f"{self.name + '  ' if self.name else ''}epoch {self._epoch + 1:{len(str(self.epochs))}}/{self.epochs}"

    def _tail(self, logs: Mapping[str, Any] | None, rate: float, left: float) -> str:
        return f"{values_text(logs or {})}  {rate:,.0f} {self.unit}/s  {time_left(left)}"


def values_text(values: Mapping[str, Any]) -> str:
    """Loss and metrics of an epoch, each with its value on held-out data where there is one."""
    words = []
    for name in sorted((name for name in values if not name.startswith("val_")), key=lambda name: name != "loss"):
        held_out = f" (held out {float(values[f'val_{name}']):.4g})" if f"val_{name}" in values else ""
        words.append(f"{name} {float(values[name]):.4g}{held_out}")
    return "  ".join(words)


def time_left(seconds: float) -> str:
    """How long it will take, in words; "done" for no time at all."""
    if not seconds:
        return "done"
    return f"{seconds:.0f} s left" if seconds < 100 else f"{seconds / 60:.1f} min left"
