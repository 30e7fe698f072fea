"""Random Keras models of 3 to 12 layers with branches, as a strategy: what fails shrinks to a smaller model."""

from dataclasses import dataclass

import numpy as np
from case_tools import Make, make
from hypothesis import strategies as st
from models import randomize

# Whatever stands first in a list is what hypothesis comes to when it makes a failing model smaller.
FUNCTIONS = ("linear", "relu", "tanh", "sigmoid", "elu", "gelu", "silu", "softplus", "leaky_relu")
MERGES = ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average", "Concatenate", "gate")
ANYWHERE = ("dense", "activation", "rescale", "prelu", "batch_norm", "layer_norm", "conv", "depthwise", "separable")
RECURRENT = ("gru", "lstm")
KNOBS = -1  # the number of a second input, (2,), that stands still for a block
IN_FRAMES = ("pool", "mean", "up", "pad", "both", "strided", "transpose")
SHORTENING, LENGTHENING = ("crop", "depthwise", "separable"), ("up", "transpose")
FEWEST, MOST = 3, 12  # layers

Shape = tuple[int, int]


@dataclass(frozen=True)
class Line:
    """A layer, the tensors that it is called on by number, 0 being the input, and the shape of what it gives."""

    layer: Make
    sources: tuple[int, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """A model to be made.

    Args:
        shape: Of its input.
        seed: Of the weights and the input.
        blocks: How a stream is cut into calls.
    """

    shape: Shape
    lines: tuple[Line, ...]
    seed: int
    blocks: tuple[int, ...]

    def __repr__(self) -> str:
        lines = [f"{n}: {line.layer} of {line.sources}" for n, line in enumerate(self.lines, start=1)]
        return "\n  ".join(["", f"0: input {self.shape}", *lines, f"seed {self.seed}, blocks {self.blocks}"])

    def _repr_pretty_(self, printer, cycle):
        printer.text(repr(self))  # for hypothesis, which would else print every field of every line

    def model(self):
        """The Keras model, with random weights."""
        import keras

        keras.backend.clear_session()
        tensors = [keras.Input(self.shape, name="audio")]
        knobs = keras.Input((2,), name="knobs")
        for number, line in enumerate(self.lines, start=1):
            named = make(line.layer.class_name, *line.layer.args, **line.layer.kwargs, name=f"layer_{number}")
            given = [knobs if source == KNOBS else tensors[source] for source in line.sources]
            tensors.append(named(keras.layers)(given if len(given) > 1 else given[0]))
            assert tuple(tensors[-1].shape[1:]) == line.shape, (self, number)
        inputs = [tensors[0], knobs] if self.controlled else tensors[0]
        return randomize(keras.Model(inputs, tensors[-1], name="random"), self.seed)

    @property
    def controlled(self) -> bool:
        """Whether the model has knobs."""
        return any(KNOBS in line.sources for line in self.lines)

    def inputs(self):
        """One stream or one frame, and where the knobs stand, if there are any."""
        rng = np.random.default_rng(self.seed)
        xs = [rng.uniform(-1, 1, shape).astype(np.float32) for shape in (self.shape, (2,))]
        return xs if self.controlled else xs[:1]


@st.composite
def plans(draw, *, streaming, recurrent=True):
    """Models that stream, or models of frames."""
    # A known length, so that branches of unequal length never meet; what streams does so all the same.
    shape = (48 if streaming else draw(st.integers(6, 13)), draw(st.integers(1, 4)))
    growing = _Growing(draw, shape, streaming, recurrent)
    layers = draw(st.integers(FEWEST, MOST))
    while len(growing.lines) < layers:
        growing.grow(layers - len(growing.lines))
    blocks = draw(st.lists(st.integers(1, 8), min_size=1, max_size=8)) if streaming else [1]
    return Plan(shape, tuple(growing.lines), draw(st.integers(0, 999)), tuple(blocks))


class _Growing:
    """A model that grows layer by layer, every tensor so far being a place to go on from."""

    def __init__(self, draw, shape, streaming, recurrent):
        self.draw = draw
        self.shapes = [shape]
        self.lines = []
        self.streaming = streaming
        self.kinds = (*ANYWHERE, "crop", *(RECURRENT if recurrent else ()), *(() if streaming else IN_FRAMES))

    def pick(self, *options):
        return self.draw(st.sampled_from(options))

    def number(self, least, most):
        return self.draw(st.integers(least, most))

    def add(self, layer: Make, sources: tuple[int, ...], shape: Shape):
        self.lines.append(Line(layer, sources, shape))
        self.shapes.append(shape)

    def grow(self, most):
        """Adds a layer, or as many as a gate has, but not more than `most`."""
        end = len(self.shapes) - 1
        if self.streaming and most >= 2 and self.number(0, 15) == 15:
            self.turn(end)
            return
        if self.number(0, 3) == 3:
            self.merge(end, MERGES if most >= 3 else MERGES[:-1])
            return
        timed = [n for n, shape in enumerate(self.shapes) if len(shape) == 2]
        source = end if self.number(0, 9) < 7 else self.pick(*timed)
        length, channels = self.shapes[source]
        unfit = (*(SHORTENING if length < 4 else ()), *(LENGTHENING if length > 40 else ()))
        kind = self.pick(*(kind for kind in self.kinds if kind not in unfit))
        layer, length, channels = self.layer(kind, length, channels)
        self.add(layer, (source,), (length, channels))

    def turn(self, end):
        """Scales or shifts the channels by what the knobs say."""
        length, channels = self.shapes[end]
        self.add(make("Dense", channels, activation=self.pick(*FUNCTIONS)), (KNOBS,), (channels,))
        self.add(make(self.pick("Multiply", "Add", "Subtract")), (end, end + 1), (length, channels))

    def merge(self, end, kinds):
        length, channels = self.shapes[end]
        kind = self.pick(*kinds)
        if kind != "gate":
            like = [n for n, shape in enumerate(self.shapes) if shape == self.shapes[end]]
            both = 2 * channels if kind == "Concatenate" else channels
            self.add(make(kind), (end, self.pick(*reversed(like))), (length, both))
            return
        width, taps = self.number(1, 4), self.number(1, 3)
        for function in ("tanh", "sigmoid"):
            self.add(make("Conv1D", width, taps, padding="causal", activation=function), (end,), (length, width))
        self.add(make("Multiply"), (end + 1, end + 2), (length, width))

    def layer(self, kind, length, channels) -> tuple[Make, int, int]:
        """A layer behind a tensor, and the length and the channels of what it gives."""
        reach = max(1, min(3, length // 3))
        anyhow = {
            "activation": lambda: make("Activation", self.pick("mish", "hard_sigmoid", "softmax", "selu")),
            "rescale": lambda: make("Rescaling", 0.5, 0.1),
            "prelu": lambda: make("PReLU", shared_axes=[1]),
            "batch_norm": lambda: make("BatchNormalization"),
            "layer_norm": lambda: make("LayerNormalization"),
            "mean": lambda: make("AveragePooling1D", 2, strides=1, padding="same"),
        }
        if kind in anyhow:
            return anyhow[kind](), length, channels
        match kind:
            case "crop":
                return make("Cropping1D", (1, 0)), length - 1, channels
            case "pool":
                return make("MaxPooling1D", 2, padding="same"), -(-length // 2), channels
            case "up":
                return make("UpSampling1D", 2), 2 * length, channels
            case "pad":
                return make("ZeroPadding1D", (1, 2)), length + 3, channels
            case "depthwise":
                taps, times = self.number(1, reach), self.pick(1, 2)
                layer = make("DepthwiseConv1D", taps, padding=self.unaligned, depth_multiplier=times)
                return layer, self.left(length, taps), channels * times
        width = self.number(1, 5)
        match kind:
            case "conv":
                paddings = ("causal", *(("valid",) if length >= 4 else ()), *(() if self.streaming else ("same",)))
                taps, dilation, padding = self.number(1, reach), self.number(1, reach), self.pick(*paddings)
                how = {"dilation_rate": dilation, "padding": padding, "activation": self.pick(*FUNCTIONS)}
                lost = (taps - 1) * dilation if padding == "valid" else 0
                return make("Conv1D", width, taps, **how), length - lost, width
            case "separable":
                taps = self.number(1, reach)
                how = {"padding": self.unaligned, "activation": self.pick(*FUNCTIONS)}
                return make("SeparableConv1D", width, taps, **how), self.left(length, taps), width
            case "dense":
                return make("Dense", width, activation=self.pick(*FUNCTIONS)), length, width
            case "gru":
                how = {"return_sequences": True, "reset_after": self.pick(True, False)}
                return make("GRU", width, **how), length, width
            case "lstm":
                return make("LSTM", width, return_sequences=True), length, width
            case "both":
                return make("Bidirectional", make("GRU", width, return_sequences=True)), length, 2 * width
            case "strided":
                taps = self.number(1, reach)
                return make("Conv1D", width, taps, strides=2, padding="same"), -(-length // 2), width
        return make("Conv1DTranspose", width, 3, strides=2, padding="same"), 2 * length, width

    @property
    def unaligned(self) -> str:
        """The padding of what knows no causal one."""
        return "valid" if self.streaming else "same"

    def left(self, length, taps):
        return length - taps + 1 if self.streaming else length
