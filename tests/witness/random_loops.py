"""Random recurrent models for fixed point, with convolutions and functions of one number in between."""

import model_files
import numpy as np
from random_branches import Sketch
from random_chains import Chain, number
from random_gates import bend

GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}


def loops(seed: int) -> Chain:
    """The model of a seed."""
    random = np.random.default_rng([seed, 4])
    sketch = Sketch(random, [number(random, 1, 3)])
    last = 0
    for kind in random.permutation(list(GATES))[: number(random, 1, 2)]:
        if random.random() < 0.4:
            last = sketch.product(last)
        last = loop(sketch, last, str(kind))
        if random.random() < 0.3:
            last = bend(sketch, last, str(random.choice(["silu", "hard_sigmoid", "softsign"])))
    sketch.like(last, 0)
    low = float(random.choice([-1, -0.3, 0]))
    options = {
        "bits": number(random, 6, 16),
        "weight_bits": number(random, 6, 16),
        "rounding": str(random.choice(["half_even", "half_up", "floor"])),
        "input_range": (low, low + float(random.choice([0.5, 2]))),
    }
    return Chain(sketch.channels[0], tuple(sketch.layers), options)


def loop(sketch: Sketch, source: int, kind: str) -> int:
    """A recurrent layer."""
    random, channels, units = sketch.random, sketch.channels[source], number(sketch.random, 1, 4)
    config = {"units": units, "return_sequences": True, "activation": "tanh"}
    bias = (GATES[kind] * units,)
    if kind != "SimpleRNN":
        # One that opens to 1 keeps an LSTM's carry for ever: nothing bounds that.
        gates = ["sigmoid"] if kind == "LSTM" else ["sigmoid", "hard_sigmoid"]
        config["recurrent_activation"] = str(random.choice(gates))
    if kind == "GRU":
        config["reset_after"] = bool(random.random() < 0.5)
        bias = (2, *bias) if config["reset_after"] else bias
    shapes = ((channels, GATES[kind] * units), (units, GATES[kind] * units), bias)
    weights = [random.normal(0, 0.6, shape).astype(np.float32) for shape in shapes]
    return sketch.add(model_files.Entry(kind, config, weights), units, source)
