"""Keeping TensorFlow's own talk off the screen, so that a command shows its results and nothing else."""

import contextlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_import(*, fast_convolutions: bool = False) -> Iterator[None]:
    """Import TensorFlow inside this block and its greetings do not appear.

    With `fast_convolutions`, TensorFlow may use oneDNN, which trains an image network nearly twice as fast; the order
    of its sums, and so the last bits, then depend on the processor.

    Some of them are written straight to file descriptor 2 before any log level is looked at, so the descriptor itself
    is turned aside for the time of the import. Should the import fail, what was held back is shown after all.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read once, when TensorFlow's library is loaded
    if fast_convolutions:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    else:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # one order of summation on every processor
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            os.dup2(kept, 2)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


@contextlib.contextmanager
def quiet_saving() -> Iterator[None]:
    """Saves a model without three remarks that are of no use to whoever asked for the file.

    Both Keras say of every .h5 that it is a legacy format; tf_keras wonders about QKeras' quantizers, which it
    serializes correctly all the same, and about a model that is not compiled, which is on purpose.
    """
    loggers = [logging.getLogger(name) for name in ("absl", "tensorflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="You are saving your model as an HDF5 file")
            warnings.filterwarnings("ignore", message="The `keras.constraints.serialize\\(\\)` API should only be used")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
