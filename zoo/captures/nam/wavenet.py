"""The WaveNet of Neural Amp Modeler: arrays of dilated layers, gates, residual sums, heads."""

import keras

from zoo.captures.fields import Fields, Stream
from zoo.captures.nam.arrays import Array, Inner, Layer, read_array
from zoo.captures.torch_layers import Tensor, convolution


def wavenet(config: Fields, weights: Stream) -> keras.Model:
    """The network of a file.

    Args:
        config: its group `config`.
        weights: all weights, array by array: the first product; each layer's convolution, mix-in and 1x1s; the head;
            and at the very end the scale.
    """
    config.only("head", None)
    config.only("in_channels", 1)
    config.drop("head_scale")  # the last weight has it once more, and is what players use
    arrays = [read_array(one) for one in config.groups("layers")]
    config.done()
    if not arrays:
        raise config.wrong("layers", "is empty")
    audio = x = keras.Input((None, 1), name="audio")
    head = None
    for number, array in enumerate(arrays):
        last = number == len(arrays) - 1
        x, head = _apply(array, x, audio, head, weights, f"array{number}", last)
    if head.shape[-1] != 1:
        raise ValueError(f"{config.where}: the last head has {head.shape[-1]} channels, and only one is understood")
    scale = weights.take(1)
    weights.done()
    return keras.Model(audio, keras.layers.Rescaling(float(scale[0]), name="scale")(head))


def _apply(
    array: Array, x: Tensor, audio: Tensor, head: Tensor | None, weights: Stream, name: str, last: bool
) -> tuple[Tensor, Tensor]:
    """What an array passes on, and its head."""
    x = convolution(x, weights.take(array.channels, x.shape[-1], 1), None, f"{name}_widen")
    heads = [] if head is None else [head]
    for number, layer in enumerate(array.layers):
        final = last and number == len(array.layers) - 1
        x, one = _layer(array, layer, x, audio, weights, f"{name}_layer{number}", final)
        heads.append(one)
    widths = {one.shape[-1] for one in heads}
    if len(widths) > 1:
        raise ValueError(f"{weights.where}: heads of {sorted(widths)} channels cannot be summed")
    total = keras.layers.Add(name=f"{name}_head_sum")(heads) if len(heads) > 1 else heads[0]
    kernel = weights.take(array.head_outputs, total.shape[-1], array.head_taps)
    bias = weights.take(array.head_outputs) if array.head_bias else None
    return x, convolution(total, kernel, bias, f"{name}_head")


def _layer(
    array: Array, layer: Layer, x: Tensor, audio: Tensor, weights: Stream, name: str, final: bool
) -> tuple[Tensor, Tensor]:
    """What a layer passes on, and what it gives to the head. What the final layer passes on is never heard."""
    rows = array.bottleneck * (1 if layer.second is None else 2)
    kernel = weights.take(rows, array.channels // array.groups, layer.taps)
    bias = weights.take(rows)
    mixin = weights.take(rows, audio.shape[-1] // array.groups_mixin, 1)
    halves = []
    for half, function in enumerate([layer.activation, *([layer.second] if layer.second else [])]):
        part = slice(half * array.bottleneck, (half + 1) * array.bottleneck)
        suffix = "_gate" if half else ""
        dilated = {"dilation": layer.dilation, "groups": array.groups}
        conv = convolution(x, kernel[part], bias[part], f"{name}_conv{suffix}", **dilated)
        mixed = convolution(audio, mixin[part], None, f"{name}_mixin{suffix}", groups=array.groups_mixin)
        halves.append(function(keras.layers.Add(name=f"{name}_mixed{suffix}")([conv, mixed]), f"{name}_active{suffix}"))
    active = keras.layers.Multiply(name=f"{name}_gated")(halves) if layer.second else halves[0]
    if array.residual:
        inner = _inner(array.residual, active, weights, f"{name}_1x1")
        if not final:
            x = keras.layers.Add(name=f"{name}_residual")([x, inner])
    return x, _inner(array.head_1x1, active, weights, f"{name}_head1x1") if array.head_1x1 else active


def _inner(inner: Inner, x: Tensor, weights: Stream, name: str) -> Tensor:
    kernel = weights.take(inner.outputs, x.shape[-1] // inner.groups, 1)
    return convolution(x, kernel, weights.take(inner.outputs), name, groups=inner.groups)
