"""A process of its own with eight devices, as devices are made before anything is computed: prints one JSON line.

{optimizer: {devices: greatest difference of any weight after 20 steps from one device's}}, and what a batch that is
smaller than the devices is answered.
"""

import json
import os
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
sys.path.insert(0, sys.argv[1])

import keras
import numpy as np

from zoo.big_batch.loop import OPTIMIZERS
from zoo.big_batch.step import accumulated, make_devices, parallel

make_devices(8)
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.standard_normal((37, 6)).astype("float32"), RANDOM.integers(3, size=37).astype("int32")


def build(optimizer):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(3)])
    return model, OPTIMIZERS[optimizer](0.01)


def weights(model):
    return np.concatenate([np.ravel(one) for one in model.get_weights()])


found = {}
for name in OPTIMIZERS:
    model, rule = build(name)
    step = accumulated(model, rule)
    for _ in range(20):
        step(X, Y)
    one, found[name] = weights(model), {}
    for count in (2, 4, 8):
        model, _, step = parallel(lambda name=name: build(name), count)
        for _ in range(20):
            step(X, Y)
        found[name][count] = float(np.abs(weights(model) - one).max())
try:
    step(X[:7], Y[:7])
    complaint = ""
except ValueError as error:
    complaint = str(error)
print(json.dumps({"found": found, "complaint": complaint}))
