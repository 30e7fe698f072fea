"""Random models with branches for fixed point: values that several layers read, sums of several, and joins."""

from dataclasses import dataclass, field, replace

import model_files
import numpy as np
from random_chains import Chain, norm, number, product

SUMS = ("Add", "Subtract")
EXTREMES = ("Maximum", "Minimum")
MOST_CHANNELS = 12


def branches(seed: int) -> Chain:
    """The model of a seed: every second one has quantisers."""
    random = np.random.default_rng([seed, 2])
    return _quantized(random) if seed % 2 else _plain(random)


@dataclass
class Sketch:
    """A model in the making: its layers, and the channels of each value, the input's first."""

    random: np.random.Generator
    channels: list[int]
    layers: list[model_files.Entry] = field(default_factory=list)

    def add(self, layer: model_files.Entry, channels: int, *reads: int) -> int:
        """Its number."""
        self.layers.append(replace(layer, reads=reads))
        self.channels.append(channels)
        return len(self.layers)

    def pick(self, among: list[int]) -> int:
        """One of some values, more often a late one."""
        return among[max(number(self.random, 0, len(among) - 1), number(self.random, 0, len(among) - 1))]

    def product(self, source: int, **config) -> int:
        """A convolution or a Dense layer."""
        return self.add(*product(self.random, self.channels[source], **config), source)

    def like(self, source: int, wanted: int, **config) -> int:
        """A product with as many channels as another value."""
        kernel = self.random.normal(0, 0.7, (self.channels[source], self.channels[wanted]))
        bias = self.random.normal(0, 0.5, self.channels[wanted])
        return self.add(model_files.dense(kernel, bias, **config), self.channels[wanted], source)

    def sum(self, among: list[int], **config) -> int:
        """A sum of two values, or three, some of them made for it."""
        first = self.pick(among)
        others = [n for n in among if self.channels[n] == self.channels[first] and n != first]
        second = (
            self.pick(others) if others and self.random.random() < 0.6 else self.like(self.pick(among), first, **config)
        )
        reads = [first, second] if self.random.random() < 0.5 else [second, first]
        kind = str(self.random.choice(SUMS))
        if kind == "Add" and self.random.random() < 0.3:
            reads.append(self.pick([*others, first]))
        return self.add(model_files.Entry(kind), self.channels[first], *reads)

    def multiply(self, among: list[int]) -> int:
        """The product of two values, or of one with itself."""
        first = self.pick(among)
        second = self.pick([n for n in among if self.channels[n] == self.channels[first]])
        return self.add(model_files.Entry("Multiply"), self.channels[first], first, second)

    def join(self, among: list[int]) -> int | None:
        """The extremes of two values or of three, or several one behind the other; None where they do not fit."""
        paired = [n for n in among if sum(self.channels[n] == self.channels[m] for m in among) > 1]
        if self.random.random() < 0.4 or not paired:
            first = self.pick(among)
            reads = [first, *(self.pick(among) for _ in range(number(self.random, 1, 2)))]
            channels = sum(self.channels[n] for n in reads)
            entry = model_files.Entry("Concatenate", {"axis": -1})
            return self.add(entry, channels, *reads) if channels <= MOST_CHANNELS else None
        first = self.pick(paired)
        others = [n for n in paired if self.channels[n] == self.channels[first] and n != first]
        reads = [first, *(self.pick(others) for _ in range(number(self.random, 1, 2)))]
        return self.add(model_files.Entry(str(self.random.choice(EXTREMES))), self.channels[first], *reads)


def _plain(random) -> Chain:
    sketch = Sketch(random, [number(random, 1, 4)])
    for _ in range(number(random, 3, 8)):
        pool = list(range(len(sketch.channels)))
        chosen = random.random()
        if chosen < 0.25:
            sketch.sum(pool)
        elif chosen < 0.55:
            sketch.join(pool)
        elif chosen < 0.65:
            sketch.multiply(pool)
        elif chosen < 0.75:
            sketch.product(sketch.pick(pool))
        else:
            source = sketch.pick(pool)
            channels = sketch.channels[source]
            layer = model_files.relu() if chosen < 0.92 else norm(random, channels)
            sketch.add(layer, channels, source)
    sketch.sum(list(range(len(sketch.channels))))
    low = float(random.choice([-1, -0.3, -8, 0]))
    options = {
        "bits": number(random, 2, 16),
        "weight_bits": number(random, 2, 16),
        "rounding": str(random.choice(["half_even", "half_up", "floor"])),
        "input_range": (low, low + float(random.choice([0.5, 2, 9]))),
    }
    return Chain(sketch.channels[0], tuple(sketch.layers), options)


def _quantized(random) -> Chain:
    joins = random.random() < 0.5
    most = 12 if joins else 16  # what is joined has to fit one format of 16 bits

    def grid():
        bits = max(number(random, 2, most), number(random, 2, most))
        return f"quantized_bits({bits}, {number(random, -1, 3)}, {number(random, 0, 1)}, alpha=1)"

    sketch = Sketch(random, [number(random, 1, 4)])
    on_grid = [sketch.add(model_files.grid(grid()), sketch.channels[0], 0)]
    loose: list[int] = []  # products and sums without a quantiser behind them: only sums and quantisers read them
    for _ in range(number(random, 3, 7)):
        config = {"kernel_quantizer": str(random.choice([grid(), "ternary(alpha=1)", "quantized_po2(4)"]))}
        config |= {"bias_quantizer": grid()} if random.random() < 0.5 else {}
        chosen = random.random()
        if chosen < 0.4 and joins:
            joined = sketch.join(on_grid)
            on_grid += [joined] if joined else []
            continue
        if chosen > 0.9:
            loose.append(sketch.multiply(on_grid))
        elif chosen < 0.5:
            loose.append(sketch.product(sketch.pick(on_grid), **config))
        elif chosen < 0.8:
            first = sketch.pick(on_grid + loose)
            loose.append(sketch.like(sketch.pick(on_grid), first, **config))
            reads = (first, loose[-1])
            layer = model_files.Entry(str(random.choice(SUMS)))
            loose.append(sketch.add(layer, sketch.channels[first], *reads))
        source = sketch.pick(loose or on_grid)
        relu = f"quantized_relu({number(random, 1, most - 1)}, {number(random, -1, 3)})"
        layer = model_files.grid(relu if random.random() < 0.4 else grid())
        on_grid.append(sketch.add(layer, sketch.channels[source], source))
    last = on_grid[-1]
    if last != len(sketch.layers):
        sketch.add(model_files.grid(grid()), sketch.channels[last], last)
    return Chain(sketch.channels[0], tuple(sketch.layers), {"weight_bits": number(random, 2, 16)})
