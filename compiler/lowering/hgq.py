"""Layers of HGQ2: those of Keras, with a quantiser for what they read, for each weight, and for what they give.

Every weight and every value may have a width of its own. Its files are read as they are; HGQ2 itself is not needed.

Reference: HGQ2 0.2 (`.keras`), whose quantisers are the fixed-point ones of the package `quantizers`: KIF, by a sign
bit, integer and fraction bits; KBI, by bits and integer bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from compiler.ir.grids import Grids, QuantizeEach
from compiler.ir.numerics import Format, Rounding
from compiler.ir.ops import Quantize
from compiler.ir.values import Value
from compiler.lowering.arithmetic import scale_and_shift
from compiler.lowering.layer import Layer
from compiler.lowering.quantizer_rules import finest_grid
from compiler.lowering.shapes import axes_of

# Keras' layers without weights that have a twin.
PLAIN = (
    *("Add", "Maximum", "Minimum", "Multiply", "Subtract"),
    *(f"{kind}Pooling{rank}D" for kind in ("Average", "GlobalAverage", "GlobalMax", "Max") for rank in (1, 2)),
)
ROUNDINGS: dict[str, Rounding] = {"RND": "half_up", "RND_CONV": "half_even", "TRN": "floor"}
OVERFLOWS = ("SAT", "SAT_SYM", "SYM", "WRAP")
MOST_BITS = 62
# What is for training, or for estimates of cost.
WITHOUT_EFFECT = ("enable_ebops", "ebops_factor", "beta0", "parallelization_factor")
SAVE = 'Save it with model.save("model.keras"): an .h5 does not say which width is whose.'

Lower = Callable[..., Value]


class _Quantizer:
    """One quantiser of a file: which numbers its places have, and what it does with those between and beyond.

    Args:
        who: Of which part of the layer, as its key in the configuration.
        variables: Its own, in the file's order.
    """

    def __init__(self, layer: Layer, who: str, config: Mapping[str, Any], variables: Sequence[np.ndarray]) -> None:
        self.rounding, overflow = _rounding(config), config["overflow_mode"]
        signs = [array for array in variables if array.dtype.kind == "u"]
        others = [np.rint(array.astype(np.float64)) for array in variables if array.dtype.kind == "f" and array.ndim]
        if len(signs) != 1 or len(others) != 2 or not all(array.shape == signs[0].shape for array in others):
            raise layer.error(f"the file's {who} is not a sign, and two widths for each place", hint=SAVE)
        if not all(np.all(np.abs(array) <= MOST_BITS) for array in others):
            raise layer.error(f"{who} holds widths beyond {MOST_BITS} bits, or none")
        sign = signs[0].astype(np.int64)
        # What is trained comes first: both widths, or where integer bits follow the data, bits or fraction bits alone.
        kif, wraps = config["q_type"] == "kif", overflow == "WRAP"
        widths, integer = (others[0], others[1]) if wraps or not kif else (others[1], others[0])
        integer = integer.astype(np.int64)
        fraction = widths.astype(np.int64) if kif else widths.astype(np.int64) - integer
        # A weight's integer bits have followed it through training, so that it lies within.
        unbound = wraps and config.get("is_weight") is True and config.get("trainable", True) is True
        self.unbound = unbound and (kif or config["round_mode"] == "RND")
        none = sign + integer + fraction <= 0
        finest = int(np.max(fraction, where=~none, initial=-MOST_BITS))
        finest = 0 if np.all(none) else finest
        self.none = none
        fraction = np.where(none, finest, fraction)
        most = np.where(none, 0, integer + fraction)
        if np.any(most < 0) or np.any(most > MOST_BITS) or np.any(finest - fraction > MOST_BITS):
            raise layer.error(f"{who} holds widths that make no grid")
        hi = np.where(none, 0, (1 << most) - 1)
        lo = np.where(none | (sign == 0), 0, -hi if "SYM" in overflow else -hi - 1)
        self.fraction = fraction
        self.grids = Grids(finest, finest - fraction, lo, hi, wraps)

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """Weights on their grids, rounded in float32, as they were in training."""
        steps = np.float32(2.0) ** self.fraction.astype(np.float32)
        rounded = _rounded(np.asarray(weights, np.float32) * steps, self.rounding) / steps
        if self.unbound:
            return np.where(self.none, 0.0, rounded)
        return self.grids.of(rounded, "floor") * 2.0**-self.grids.fraction

    def emit(self, layer: Layer, x: Value, suffix: str) -> Value:
        """Values on their grids."""
        grids = self.grids
        each = np.stack([grids.coarser, grids.lo, grids.hi], axis=-1)
        if len(each) != 1 or each.ndim - 1 > len(x.shape) + 1:
            raise layer.error("a quantiser of what it reads or gives has a width for each of a batch", hint=SAVE)
        # A grid that all places along the first axes share needs no such axes; the first of all is the batch.
        while each.ndim > 1 and np.all(each == each[:1]):
            each = each[0]
        coarser, lo, hi = (np.array(part) for part in np.moveaxis(each, -1, 0))
        if each.ndim == 1 and not grids.wraps:
            one = Grids(grids.fraction - int(coarser), coarser * 0, lo, hi, False)
            bounds = {"lo": int(lo), "hi": int(hi)}
            return layer.emit(Quantize, x, suffix=suffix, format=one.format, rounding=self.rounding, **bounds)
        return layer.emit(
            QuantizeEach,
            x,
            suffix=suffix,
            fraction=grids.fraction,
            coarser=coarser,
            lo=lo,
            hi=hi,
            rounding=self.rounding,
            wraps=grids.wraps,
        )


def _rounded(x: np.ndarray, rounding: Rounding) -> np.ndarray:
    """Whole numbers, in float32's arithmetic; as float64."""
    half = np.float32(0.5)
    rules = {"half_even": np.rint, "half_up": lambda n: np.floor(n + half), "floor": np.floor}
    return rules[rounding](x).astype(np.float64)


class _File:
    """A layer's weights and quantisers, out of one list of variables."""

    def __init__(self, layer: Layer, inputs: int) -> None:
        self.layer = layer
        layer.ignore(*WITHOUT_EFFECT)
        arrays = list(layer.all_weights())
        configs = dict(self._configs(inputs))
        counts = {who: _variables(layer, who, config) for who, config in configs.items()}
        own = len(arrays) - sum(counts.values())
        if own < 0:
            raise layer.error(
                f"the file holds {len(arrays)} variables for it, fewer than its quantisers have", hint=SAVE
            )
        # Of the layer's own, numbers without axes count operations.
        self.weights = [array for array in arrays[:own] if array.ndim]
        self.quantizers: dict[str, _Quantizer | None] = {}
        # Keras files what a layer holds in the alphabet's order.
        left = arrays[own:]
        for who in sorted(configs):
            variables, left = left[: counts[who]], left[counts[who] :]
            self.quantizers[who] = _Quantizer(layer, who, configs[who], variables) if counts[who] else None

    def _configs(self, inputs: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The configuration of each quantiser that the layer has, by its part."""
        layer = self.layer
        listed = layer.take("iq_confs", None)
        single = layer.take("iq_conf", None)
        if layer.flag("enable_iq"):
            if listed is None:
                yield "iq", self._config("iq_conf", single)
            else:
                if isinstance(listed, list | tuple) and len(listed) != inputs:
                    raise layer.error(f"iq_confs holds {len(listed)} quantisers for {inputs} values")
                if inputs > 10:
                    raise layer.error(f"reads {inputs} values; with quantisers there may be 10")
                for n in range(inputs):
                    yield f"iq{n}", self._config("iq_confs", listed[n] if isinstance(listed, list | tuple) else listed)
        for who in ("kq", "bq"):
            config = layer.take(f"{who}_conf", None)
            if config is not None:
                yield who, self._config(f"{who}_conf", config)
        config = layer.take("oq_conf", None)
        if layer.flag("enable_oq", False):
            yield "oq", self._config("oq_conf", config)

    def _config(self, key: str, serialized: Any) -> Mapping[str, Any]:
        config = serialized.get("config") if isinstance(serialized, Mapping) else None
        if not isinstance(config, Mapping) or not isinstance(config.get("q_type"), str):
            raise self.layer.error(f"{key}={str(serialized)[:80]!r} is no quantiser")
        return config

    def weight(self, who: str, weights: np.ndarray) -> tuple[np.ndarray, Format | None]:
        """Weights through one of the quantisers, and the grid that they lie on."""
        quantizer = self.quantizers.get(who)
        if quantizer is None:
            return weights.astype(np.float64), None
        try:
            quantized = np.broadcast_to(quantizer.of_weights(weights), weights.shape)
        except ValueError:
            raise self.layer.error(f"{who} has widths for other weights") from None
        return quantized, finest_grid(quantized)

    def value(self, who: str, x: Value, suffix: str) -> Value:
        """A value through one of the quantisers."""
        quantizer = self.quantizers.get(who)
        return x if quantizer is None else quantizer.emit(self.layer, x, suffix)


def _rounding(config: Mapping[str, Any]) -> Rounding | None:
    return ROUNDINGS.get(str(config.get("round_mode", "")).removeprefix("S_"))  # stochastic in training alone


def _variables(layer: Layer, who: str, config: Mapping[str, Any]) -> int:
    """How many variables a quantiser has in the file.

    Raises:
        CompileError: It is of a kind that is not read.
    """
    kind = config["q_type"]
    if kind == "dummy":
        return 0
    if kind not in ("kbi", "kif"):
        hint = "Supported are the fixed-point quantisers 'kbi' and 'kif'."
        raise layer.error(f"{who}: a quantiser of the kind {kind[:40]!r} is not supported", hint=hint)
    overflow = config.get("overflow_mode")
    if _rounding(config) is None or overflow not in OVERFLOWS:
        what = f"{who} with round_mode={config.get('round_mode')!r}, overflow_mode={overflow!r} is not supported"
        raise layer.error(what, hint=f"Supported: {', '.join(ROUNDINGS)} with {', '.join(OVERFLOWS)}.")
    for key in ("scaler", "affine"):
        if config.get(key) is not None:
            raise layer.error(f"{who} with {key}={str(config[key])[:80]} is not supported")
    return 3 + (overflow == "WRAP")


def weighted(lower: Lower) -> Lower:
    """A layer with a kernel, and a bias where it has one."""

    def lowered(layer: Layer, x: Value) -> Value:
        file = _File(layer, 1)
        parts = [*zip(("kq", "bq"), file.weights, strict=False)]
        names = ("kernel", "bias")
        quantized = [file.weight(who, array) for who, array in parts]
        formats = {name: grid for name, (_, grid) in zip(names, quantized, strict=False)}
        x = file.value("iq", x, "_read")
        return _finish(file, lower, (x,), [array for array, _ in quantized], formats)

    return lowered


def batch_norm_dense(lower: Lower) -> Lower:
    """QBatchNormDense: what it reads is normalised, which its kernel and bias take over before they are quantised."""

    def lowered(layer: Layer, x: Value) -> Value:
        file = _File(layer, 1)
        layer.ignore("momentum", "synchronized")
        layer.ignore_training_of("bn_gamma", "moving_mean", "moving_variance")
        epsilon = layer.number("epsilon", 1e-3)
        count = 5 if layer.flag("scale") else 4
        if len(file.weights) != count:
            raise layer.error(f"the file holds {len(file.weights)} weights for it, not {count}", hint=SAVE)
        kernel, bias, *gamma, mean, variance = (array.astype(np.float32) for array in file.weights)
        scale = (gamma[0] if gamma else np.float32(1)) / np.sqrt(variance + np.float32(epsilon))
        kernel, kernel_grid = file.weight("kq", scale[:, None] * kernel)
        # As HGQ2 has it: the mean is taken through the kernel as it was trained, without the scale.
        bias, bias_grid = file.weight("bq", bias - mean @ file.weights[0].astype(np.float32))
        x = file.value("iq", x, "_read")
        return _finish(file, lower, (x,), [kernel, bias], {"kernel": kernel_grid, "bias": bias_grid})

    return lowered


def batch_normalization(layer: Layer, x: Value) -> Value:
    """QBatchNormalization: one scale and one offset for each channel, which are quantised."""
    file = _File(layer, 1)
    layer.expect_false("renorm")
    layer.ignore("momentum", "synchronized", "renorm_clipping", "renorm_momentum")
    layer.ignore_training_of("beta", "gamma", "moving_mean", "moving_variance")
    axes = axes_of(layer, x)
    epsilon = np.float32(layer.number("epsilon", 1e-3))
    names = [*(["gamma"] if layer.flag("scale") else []), *(["beta"] if layer.flag("center") else [])]
    layer.put_weights(file.weights, {})
    count = x.shape[axes[0]]
    weights = layer.weights(dict.fromkeys([*names, "mean", "variance"], (count,)))
    arrays = {name: array.astype(np.float32) for name, array in weights.items()}
    if np.any(arrays["variance"] + epsilon <= 0):
        raise layer.error("'moving_variance' is negative")
    scale = arrays.get("gamma", np.float32(1)) / np.sqrt(arrays["variance"] + epsilon)
    # HGQ2 takes 1 for an offset that is not there.
    offset = arrays.get("beta", np.float32(1)) - arrays["mean"] * scale
    scale, offset = file.weight("kq", scale)[0], file.weight("bq", offset)[0]
    y = scale_and_shift(layer, file.value("iq", x, "_read"), scale, offset, axes)
    return file.value("oq", y, "_given")


def plain(lower: Lower) -> Lower:
    """A layer without weights."""

    def lowered(layer: Layer, *values: Value) -> Value:
        file = _File(layer, len(values))
        if file.weights:
            raise layer.error(f"the file holds {len(file.weights)} weights for it, and it has none", hint=SAVE)
        who = ["iq"] if "iq" in file.quantizers else [f"iq{n}" for n in range(len(values))]
        read = [file.value(one, x, f"_read{n or ''}") for n, (one, x) in enumerate(zip(who, values, strict=True))]
        return _finish(file, lower, read, [], {})

    return lowered


def quantizer(layer: Layer, x: Value) -> Value:
    """HGQ2's Quantizer, a layer by itself."""
    config = layer.take("config")
    inner = config.get("config") if isinstance(config, Mapping) else None
    if not isinstance(inner, Mapping) or not isinstance(inner.get("q_type"), str):
        raise layer.error(f"config={str(config)[:80]!r} is no quantiser")
    arrays = layer.all_weights()
    if not _variables(layer, "config", inner):
        return x
    return _Quantizer(layer, "config", inner, arrays).emit(layer, x, "")


def _finish(
    file: _File, lower: Lower, values: Sequence[Value], weights: Sequence[np.ndarray], formats: Mapping
) -> Value:
    """The layer of Keras that it is, with quantised weights, and the quantiser of what it gives."""
    file.layer.put_weights(weights, formats)
    return file.value("oq", lower(file.layer, *values), "_given")
