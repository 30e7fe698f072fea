"""Random models for fixed point, written as Keras files: with quantisers of their own, or with none."""

from dataclasses import dataclass

import model_files
import numpy as np

MOST_LAYERS = 4
WIDEST = 6  # channels


@dataclass(frozen=True)
class Chain:
    """A model and what to compile it with."""

    channels: int
    layers: tuple[model_files.Entry, ...]
    options: dict


def chain(seed: int) -> Chain:
    """The model of a seed: every second one has quantisers."""
    random = np.random.default_rng(seed)
    return _quantized(random) if seed % 2 else _plain(random)


def number(random, least, most):
    return int(random.integers(least, most + 1))


def weights(random, shape):
    """Kernels and biases of uneven magnitudes, some of them zero."""
    size = 2.0 ** random.uniform(-2, 1)
    kernel = random.normal(0, size / np.prod(shape[:-1]) ** 0.25, shape)
    kernel[random.random(shape) < 0.1] = 0
    bias = random.normal(0, size, shape[-1]) if random.random() < 0.8 else None
    return kernel, bias


def product(random, channels, **config):
    filters = number(random, 1, WIDEST)
    if random.random() < 0.6:
        taps, dilation = number(random, 1, 4), number(random, 1, 5)
        kernel, bias = weights(random, (taps, channels, filters))
        return model_files.conv(kernel, bias, dilation=dilation, **config), filters
    kernel, bias = weights(random, (channels, filters))
    return model_files.dense(kernel, bias, **config), filters


def norm(random, channels):
    gamma, variance = random.uniform(0.3, 1.5, (2, channels))
    return model_files.norm(gamma * random.choice([-1, 1], channels), *random.normal(0, 0.4, (2, channels)), variance)


def _plain(random) -> Chain:
    first = channels = number(random, 1, WIDEST)
    layers = []
    for _ in range(number(random, 1, MOST_LAYERS)):
        if random.random() < 0.25:
            layers.append(norm(random, channels))
        layer, channels = product(random, channels)
        layers.append(layer)
        layers += [norm(random, channels)] if random.random() < 0.25 else []
        layers += [model_files.relu()] if random.random() < 0.5 else []
    low = float(random.choice([-1, -0.3, -8, 0]))
    options = {
        "bits": number(random, 2, 16),
        "weight_bits": number(random, 2, 16),
        "rounding": str(random.choice(["half_even", "half_up", "floor"])),
        "input_range": (low, low + float(random.choice([0.5, 2, 9]))),
    }
    return Chain(first, tuple(layers), options)


def _quantized(random) -> Chain:
    def grid(most=16):
        bits = max(number(random, 2, most), number(random, 2, most))
        return f"quantized_bits({bits}, {number(random, -1, 3)}, {number(random, 0, 1)}, alpha=1)"

    first = channels = number(random, 1, WIDEST)
    layers = [model_files.grid(grid())]
    for _ in range(number(random, 1, MOST_LAYERS)):
        if random.random() < 0.2:
            layers += [norm(random, channels), model_files.grid(grid())]
        kernel = str(random.choice([grid(), grid(8), "ternary(alpha=1)", "binary(alpha=1)", "quantized_po2(4)"]))
        config = {"kernel_quantizer": kernel}
        config |= {"bias_quantizer": grid()} if random.random() < 0.5 else {}
        layer, channels = product(random, channels, **config)
        layers.append(layer)
        relu = f"quantized_relu({number(random, 1, 15)}, {number(random, -1, 3)})"
        end = [[model_files.grid(grid())], [model_files.grid(relu)], [model_files.relu(), model_files.grid(grid())]]
        layers += end[number(random, 0, 2)]
    return Chain(first, tuple(layers), {"weight_bits": number(random, 2, 16)})


def samples(seed: int, low: int, high: int, shape: tuple[int, int]) -> np.ndarray:
    """Integers of a format: noise, then the extremes, then what is small."""
    random = np.random.default_rng([seed, 1])
    x = random.integers(low, high + 1, shape)
    third = len(x) // 3
    x[third : 2 * third] = random.choice([low, 0, high], x[third : 2 * third].shape)
    x[2 * third :] = np.clip(random.integers(-3, 4, x[2 * third :].shape), low, high)
    return x
