"""Random models for fixed point whose values go through functions of one number: gates, knees, tables."""

import model_files
import numpy as np
from random_branches import Sketch
from random_chains import Chain, number

# As Keras writes them, those that are computed in straight pieces first.
PIECES = ("hard_sigmoid", "hard_tanh", "hard_shrink", "soft_shrink", "sparse_sigmoid", "relu6", "leaky_relu")
TABLES = ("tanh", "sigmoid", "softplus", "gelu", "silu", "elu", "selu", "mish", "softsign", "exponential", "hard_silu")


def gates(seed: int) -> Chain:
    """The model of a seed."""
    random = np.random.default_rng([seed, 3])
    sketch = Sketch(random, [number(random, 1, 4)])
    sketch.product(0)
    for _ in range(number(random, 2, 6)):
        pool = list(range(len(sketch.channels)))
        chosen = random.random()
        if chosen < 0.25:
            # A gate: what one product says, and how much of it gets through.
            source = sketch.pick(pool)
            first = sketch.product(source)
            second = sketch.like(source, first)
            both = [bend(sketch, value, str(random.choice(("tanh", "sigmoid")))) for value in (first, second)]
            sketch.add(model_files.Entry("Multiply"), sketch.channels[first], *both)
        elif chosen < 0.7:
            bend(sketch, sketch.pick(pool), str(random.choice(PIECES + TABLES)))
        elif chosen < 0.8:
            knee(sketch, sketch.pick(pool))
        elif chosen < 0.9:
            sketch.sum(pool)
        else:
            sketch.product(sketch.pick(pool))
    low = float(random.choice([-1, -0.3, -3, 0]))
    options = {
        "bits": number(random, 4, 16),
        "weight_bits": number(random, 4, 16),
        "rounding": str(random.choice(["half_even", "half_up", "floor"])),
        "input_range": (low, low + float(random.choice([0.5, 2, 4]))),
        "table_error": float(random.choice([1, 1, 3])),
    }
    return Chain(sketch.channels[0], tuple(sketch.layers), options)


def bend(sketch: Sketch, source: int, function: str) -> int:
    """A function of a value, behind a product that keeps it where functions bend."""
    if function == "exponential":
        source = bend(sketch, source, "tanh")
    return sketch.add(model_files.Entry("Activation", {"activation": function}), sketch.channels[source], source)


def knee(sketch: Sketch, source: int) -> int:
    """A relu with parameters, or one with slopes of its own for each channel."""
    random, channels = sketch.random, sketch.channels[source]
    if random.random() < 0.5:
        slopes = random.normal(0, 0.5, (1, channels)).astype(np.float32)
        return sketch.add(model_files.Entry("PReLU", {"shared_axes": [1]}, [slopes]), channels, source)
    most = None if random.random() < 0.3 else float(random.uniform(0.1, 3))
    config = {"negative_slope": float(random.choice([0, 0.01, 0.3])), "max_value": most}
    return sketch.add(
        model_files.Entry("ReLU", config | {"threshold": float(random.choice([0, 0.2]))}), channels, source
    )
