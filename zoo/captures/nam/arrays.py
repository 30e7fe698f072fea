"""What a Neural Amp Modeler file says about one array of a WaveNet's layers."""

from dataclasses import dataclass
from typing import Any

from zoo.captures.activations import Function, activation
from zoo.captures.fields import Fields

FILMS = (
    *("conv_pre_film", "conv_post_film", "input_mixin_pre_film", "input_mixin_post_film"),
    *("activation_pre_film", "activation_post_film", "layer1x1_post_film", "head1x1_post_film"),
)
MOST_LAYERS = 1024


@dataclass(frozen=True)
class Layer:
    """One layer: `dilation` in samples; `second` is its gate's activation, None without a gate."""

    taps: int
    dilation: int
    activation: Function
    second: Function | None


@dataclass(frozen=True)
class Inner:
    """A product over channels behind an activation: how many it gives, in how many groups."""

    outputs: int
    groups: int


@dataclass(frozen=True)
class Array:
    """One array.

    Args:
        channels: of what runs from layer to layer.
        bottleneck: channels that a layer computes.
        layers: in order.
        groups: of the layers' convolutions.
        groups_mixin: of what mixes the array's condition in.
        residual: the product whose result is added to what runs on; None where nothing is added.
        head_1x1: the product between a layer and the head; None where the head takes a layer's channels themselves.
        head_outputs: channels of the head.
        head_taps: of its convolution.
        head_bias: whether it has a bias.
    """

    channels: int
    bottleneck: int
    layers: tuple[Layer, ...]
    groups: int
    groups_mixin: int
    residual: Inner | None
    head_1x1: Inner | None
    head_outputs: int
    head_taps: int
    head_bias: bool


def read_array(fields: Fields) -> Array:
    """Reads the group of an array, of any version of the format, and refuses what is not understood in it."""
    fields.drop("input_size")  # follows from what comes before
    fields.only("condition_size", 1)
    fields.only("slimmable", None)
    for film in FILMS:
        _inactive(fields, film)
    channels = fields.count("channels")
    bottleneck = fields.count("bottleneck", channels)
    groups, groups_mixin = fields.count("groups_input", 1), fields.count("groups_input_mixin", 1)
    residual = _inner(fields, "layer1x1", channels, active=True)
    head_1x1 = _inner(fields, "head1x1", channels, active=False)
    layers = _layers(fields)
    outputs, taps, bias = _head(fields)
    fields.done()
    if groups > 1 and any(layer.second for layer in layers):
        raise fields.wrong("groups_input", f"is {groups} in layers with gates, which is not understood")
    products = {"layer1x1": residual, "head1x1": head_1x1}
    divided = [("groups_input", channels, groups), ("groups_input", bottleneck, groups)]
    divided += [("groups_input_mixin", 1, groups_mixin)]
    divided += [
        (key, size, inner.groups) for key, inner in products.items() if inner for size in (bottleneck, inner.outputs)
    ]
    for key, size, parts in divided:
        if size % parts:
            raise fields.wrong(key, f"has {parts} groups, which do not divide {size} channels")
    return Array(channels, bottleneck, layers, groups, groups_mixin, residual, head_1x1, outputs, taps, bias)


def _layers(fields: Fields) -> tuple[Layer, ...]:
    dilations = fields.take("dilations", list)
    count = len(dilations)
    if not 1 <= count <= MOST_LAYERS:
        raise fields.wrong("dilations", f"holds {count} layers, and should hold 1 to {MOST_LAYERS}")
    sizes = "kernel_sizes" if "kernel_sizes" in fields else "kernel_size"
    taps = fields.each(sizes, count, None)
    where = f"{fields.where}: activation"
    functions = [activation(value, where) for value in fields.each("activation", count, "Tanh")]
    gated = fields.only("gated", False, True)
    modes = fields.each("gating_mode", count, "gated" if gated else "none")
    seconds = fields.each("secondary_activation", count, None)
    return tuple(
        Layer(_whole(fields, sizes, t), _whole(fields, "dilations", d), function, _gate(fields, mode, second))
        for t, d, function, mode, second in zip(taps, dilations, functions, modes, seconds, strict=True)
    )


def _gate(fields: Fields, mode: Any, second: Any) -> Function | None:
    if mode not in ("none", "gated"):
        raise fields.wrong("gating_mode", f"is {mode!r}, and only 'none' and 'gated' are understood")
    return activation(second or "Sigmoid", f"{fields.where}: secondary_activation") if mode == "gated" else None


def _head(fields: Fields) -> tuple[int, int, bool]:
    if "head" in fields:
        head = fields.group("head")
        found = head.count("out_channels"), head.count("kernel_size", 1), head.take("bias", bool)
        head.done()
        return found
    return fields.count("head_size"), fields.count("head_kernel_size", 1), fields.take("head_bias", bool, False)


def _inner(fields: Fields, key: str, outputs: int, *, active: bool) -> Inner | None:
    if key not in fields:
        return Inner(outputs, 1) if active else None
    inner = fields.group(key)
    active = inner.take("active", bool, active)
    found = Inner(inner.count("out_channels", outputs), inner.count("groups", 1))
    inner.done()
    if key == "layer1x1" and found.outputs != outputs:
        raise fields.wrong(key, f"gives {found.outputs} channels, which cannot be added to {outputs}")
    return found if active else None


def _inactive(fields: Fields, key: str) -> None:
    """Modulation by the condition, FiLM, which files of the newest version may switch on."""
    if key in fields and fields.group(key).take("active", bool, False):
        raise fields.wrong(key, "is active, and modulation of that kind is not understood")


def _whole(fields: Fields, key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1 << 20:
        raise fields.wrong(key, f"holds {value!r} where there should be a whole number from 1")
    return value
