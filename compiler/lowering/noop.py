"""Layers that do nothing at inference: dropout, noise, penalties and augmentation."""

from __future__ import annotations

from collections.abc import Callable

from compiler.ir.values import Value
from compiler.lowering.layer import Layer

# The keys of each, none of which matters at inference.
_DROPOUT = ("rate", "seed", "noise_shape")
_IMAGE = ("data_format", "seed", "factor", "rng_type", "auto_vectorize")
_COLORS = (*_IMAGE, "value_range")
_MOVED = (*_IMAGE, "fill_mode", "fill_value", "interpolation")
KEYS: dict[str, tuple[str, ...]] = {
    "ActivityRegularization": ("l1", "l2"),
    "AlphaDropout": _DROPOUT,
    "AugMix": (*_COLORS, "num_chains", "chain_depth", "alpha", "all_ops", "interpolation"),
    "CutMix": _IMAGE,
    "Dropout": _DROPOUT,
    "GaussianDropout": ("rate", "seed"),
    "GaussianNoise": ("stddev", "seed"),
    "Identity": (),
    "MixUp": (*_IMAGE, "alpha"),
    "RandAugment": (*_COLORS, "num_ops", "interpolation"),
    "RandomBrightness": _COLORS,
    "RandomColorDegeneration": _COLORS,
    "RandomColorJitter": (*_COLORS, *(f"{name}_factor" for name in ("brightness", "contrast", "saturation", "hue"))),
    "RandomContrast": _COLORS,
    "RandomElasticTransform": (*_MOVED, "scale", "value_range"),
    "RandomErasing": (*_COLORS, "scale", "fill_value"),
    "RandomFlip": (*_IMAGE, "mode"),
    "RandomGaussianBlur": (*_COLORS, "kernel_size", "sigma"),
    "RandomGrayscale": _IMAGE,
    "RandomHue": _COLORS,
    "RandomInvert": _COLORS,
    "RandomPerspective": (*_MOVED, "scale"),
    "RandomPosterization": _COLORS,
    "RandomRotation": _MOVED,
    "RandomSaturation": _COLORS,
    "RandomSharpness": _COLORS,
    "RandomShear": (*_MOVED, "x_factor", "y_factor"),
    "RandomTranslation": (*_MOVED, "height_factor", "width_factor"),
    "RandomZoom": (*_MOVED, "height_factor", "width_factor"),
    "SpatialDropout1D": _DROPOUT,
    "SpatialDropout2D": (*_DROPOUT, "data_format"),
}


def nothing(layer: Layer, x: Value) -> Value:
    """The value itself."""
    layer.ignore(*KEYS[layer.class_name])
    return x


TABLE: dict[str, Callable[[Layer, Value], Value]] = dict.fromkeys(KEYS, nothing)
