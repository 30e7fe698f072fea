"""Trainings in processes of their own, which can be killed: `python interrupted_training.py FOLDER`, run by a test.

TensorFlow is imported once; each training is then a fork that has not run an operation yet. Prints JSON: the digest of
the final weights of each training, and how many of the processes were killed.
"""

import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
sys.path.insert(0, str(Path(__file__).parents[2]))

import keras
import numpy as np
import tensorflow as tf

from zoo.runs import Batches, DataSet, fit
from zoo.runs.state import read_state

EPOCHS, BATCHES = 12, 6


class Killer(keras.callbacks.Callback):
    """Kills the process within an epoch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.epoch, self.batch = epoch, batch
        self.now = None

    def get_state(self):
        return {}

    def set_state(self, state):
        pass

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == (self.epoch, self.batch):
            os.kill(os.getpid(), signal.SIGKILL)


def jitter(generator, x, y):
    return x + generator.normal(scale=0.1, size=x.shape).astype(np.float32), y


def train(folder, kill_at=(-1, -1), started=None):
    """One training, as a user would write it: everything that has a state is in it."""
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(1)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(BATCHES * 8 - 3, 5)).astype(np.float32)
    y = (x[:, :1] * x[:, 1:2] > 0).astype(np.float32)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    callbacks = [
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.7, patience=3, min_delta=1.0),  # content with nothing
        keras.callbacks.EarlyStopping("val_loss", patience=EPOCHS - 2, min_delta=0.003, restore_best_weights=True),
        Killer(*kill_at),
    ]
    data = DataSet(Batches(x, y, batch_size=8, seed=3, augment=jitter), validation=(x[:9], y[:9]), batch_size=8)
    if started is not None:
        os.write(started, b".")
    history = fit(model, data, folder=folder, epochs=EPOCHS, callbacks=callbacks, verbose=0, report=lambda line: None)
    history.pop("seconds")
    last = read_state(folder / "last.npz")["variables"]
    digests = {
        "weights": hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest(),
        "last": hashlib.sha256(b"".join(last[path].tobytes() for path in sorted(last))).hexdigest(),
    }
    (folder / "result.json").write_text(json.dumps({**digests, "history": history}))


def stamp(folder):
    last = folder / "last.npz"
    return last.stat().st_mtime_ns if last.exists() else 0


def in_a_process(folder, *, kill_at=(-1, -1), kill_after=None):
    """Whether a training in a fork was killed: at a batch of an epoch, or some seconds after an epoch that it ended."""
    stood = stamp(folder)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            train(folder, kill_at, writing)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    if kill_after is not None:
        while stamp(folder) == stood and not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            time.sleep(0.005)
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        raise RuntimeError("the training failed")
    return False


def main(folder):
    killed = {"whole": 0, "mid_epoch": 0, "anywhere": 0}
    in_a_process(folder / "whole")
    for kill_at in ((0, 3), (4, 2), (9, BATCHES - 1)):
        killed["mid_epoch"] += in_a_process(folder / "mid_epoch", kill_at=kill_at)
    in_a_process(folder / "mid_epoch")
    draw = random.Random(int(os.environ.get("KILL_SEED", "0")))
    for _ in range(int(os.environ.get("KILLS", "2"))):
        killed["anywhere"] += in_a_process(folder / "anywhere", kill_after=draw.uniform(0.0, 0.2))
    in_a_process(folder / "anywhere")
    results = {name: json.loads((folder / name / "result.json").read_text()) for name in killed}
    print(json.dumps({"killed": killed, "results": results}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
