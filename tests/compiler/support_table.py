"""The table of supported layers in docs/layers.md, made from the table of cases."""

from case_tools import Case, Make
from layer_cases import CASES
from recurrent_cases import PICTURES, VECTORS

from compiler.lowering.table import HGQ2, OLD_CLASSES

# Where a class streams in some uses only: in which.
STREAMS = {
    "Activation": "over the channels",
    "Add": "beside a value with time",
    "AveragePooling1D": "`valid`, by steps of 1",
    "AveragePooling2D": "in time `valid`, by steps of 1",
    "BatchNormalization": "not along time",
    "Concatenate": "not along time",
    "Conv1D": "`causal` and `valid`, without strides",
    "Conv2D": "kernel (k, 1), or as wide as its input; in time `valid`, without strides",
    "Cropping1D": "at the beginning",
    "Cropping2D": "in time at the beginning",
    "Dense": "with time",
    "DepthwiseConv1D": "`causal` and `valid`, without strides",
    "DepthwiseConv2D": "kernel (k, 1); in time `valid`, without strides",
    "EinsumDense": "not along time",
    "Embedding": "with time and channels",
    "GRU": "`return_sequences`, forwards",
    "LSTM": "`return_sequences`, forwards",
    "LayerNormalization": "not along time",
    "MaxPooling1D": "`valid`, by steps of 1",
    "MaxPooling2D": "in time `valid`, by steps of 1",
    "Normalization": "not along time",
    "PReLU": "slopes shared along time",
    "Permute": "time stays first",
    "RNN": "`return_sequences`, forwards",
    "Reshape": "time stays first",
    "SeparableConv1D": "`causal` and `valid`, without strides",
    "SeparableConv2D": "kernel (k, 1); in time `valid`, without strides",
    "SimpleRNN": "`return_sequences`, forwards",
    "Softmax": "not along time",
    "SpectralNormalization": "as the layer within",
    "TimeDistributed": "no convolution or recurrence within",
    "UnitNormalization": "not along time",
    "UpSampling1D": "size 1",
}
MODELS = (VECTORS, PICTURES)
# Classes whose plainest use also has a fixed-point form, for `--numbers fixed` and FPGAs, and what of them does.
FIXED_POINT = {
    "Activation": "relu, relu6, hard_tanh; on the microcontroller all but softmax and glu",
    "BatchNormalization": "yes",
    "Conv1D": "without groups",
    "Cropping1D": "yes",
    "Dense": "yes",
    "EinsumDense": "over the channels",
    "Normalization": "yes",
    "QActivation": "uniform grids",
    "QBatchNormalization": "yes",
    "QConv1D": "yes",
    "QDense": "yes",
    "ReLU": "with a maximum; on the microcontroller with any parameters",
    "Rescaling": "yes",
    "SpectralNormalization": "as the layer within",
    "TimeDistributed": "Dense",
    "UpSampling1D": "size 1",
}
# Classes that have one on a microcontroller alone; these join two values.
JOINS = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
FIXED_ON_MCU = dict.fromkeys(
    (
        *(*JOINS, "ELU", "LeakyReLU", "PReLU", "ThresholdedReLU", "AveragePooling1D", "AveragePooling2D", "Conv2D"),
        *("Cropping2D", "DepthwiseConv1D", "DepthwiseConv2D", "MaxPooling1D", "MaxPooling2D", "Permute", "Reshape"),
        *("QSeparableConv1D", "SeparableConv1D", "SeparableConv2D", "GRU", "LSTM", "RNN", "SimpleRNN"),
    ),
    "on the microcontroller",
)

# Classes whose frames have one, on a microcontroller too; without softmax and glu.
FRAMES_IN_FIXED_POINT = (
    FIXED_POINT
    | FIXED_ON_MCU
    | dict.fromkeys(
        (
            *("AveragePooling1D", "AveragePooling2D", "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose"),
            *("Cropping1D", "Cropping2D", "Dense", "DepthwiseConv1D", "DepthwiseConv2D", "EinsumDense", "Flatten"),
            *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D"),
            *("MaxPooling1D", "MaxPooling2D", "Permute", "RepeatVector", "Reshape", "SeparableConv1D"),
            *("SeparableConv2D", "SpectralNormalization", "UpSampling1D", "UpSampling2D", "ZeroPadding1D"),
            "ZeroPadding2D",
        ),
        "yes",
    )
    | {"GroupNormalization": "`epsilon` of 0.1 or more, inputs within 1", "PReLU": "slopes for each channel"}
    | dict.fromkeys(("GRU", "LSTM", "RNN", "SimpleRNN"), "no")
)


def by_class() -> dict[str, list[Case]]:
    """The cases about each class, classes in alphabetical order."""
    classes: dict[str, list[Case]] = {}
    for case in sorted(CASES, key=lambda case: case.class_name):
        classes.setdefault(case.class_name, []).append(case)
    return classes


def support_table(nothing: frozenset[str]) -> str:
    """The table in Markdown.

    Args:
        nothing: Classes that do nothing at inference, which share a line.
    """
    lines = [
        "| layer | attributes | streams | frames | streams in fixed point, FPGA | frames in fixed point |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, cases in by_class().items():
        if name not in nothing:
            fixed = (FIXED_POINT | FIXED_ON_MCU).get(name, "no")
            frames = FRAMES_IN_FIXED_POINT.get(name, "no")
            frames = "yes" if frames == "on the microcontroller" else frames
            lines.append(f"| {name} | {_attributes(cases)} | {_streams(name, cases)} | yes | {fixed} | {frames} |")
    lines.append(f"| {', '.join(sorted(nothing))} | do nothing at inference | yes | yes | yes | yes |")
    old = f"| {', '.join(OLD_CLASSES)} | as GRU, LSTM, BatchNormalization in old files"
    lines.append(f"{old} | as these | yes | no | no |")
    names = ", ".join(sorted(name.removeprefix("hgq>") for name in HGQ2))
    lines.append(f"| {names} of HGQ2 | as Keras' own, a grid for each place | as these | yes | no | no |")
    cells = len(CASES)
    return "\n".join([*lines, "", f"{cells} cases, each compared with Keras.", ""])


def _streams(name: str, cases: list[Case]) -> str:
    modes = {case.mode for case in cases}
    return STREAMS[name] if len(modes) == 2 else "yes" if modes == {"S"} else "no"


def _attributes(cases: list[Case]) -> str:
    """Keyword arguments, in the order of the table, with their values where these are few words."""
    values: dict[str, list[str]] = {}
    for case in cases:
        first = [("", part) for part in case.layer.args if isinstance(part, str) or part in MODELS]
        for key, value in [*first, *case.layer.kwargs.items()]:
            seen = values.setdefault(key, [])
            text = _text(value)
            if text and text not in seen:
                seen.append(text)
    shown = [_shown(key, texts) for key, texts in values.items()]
    return "; ".join(sorted(filter(None, shown), key=str.lower)) or "-"


def _text(value: object) -> str:
    if isinstance(value, Make):
        return value.class_name if value not in MODELS else "models"
    return f"`{value.split('(')[0]}`" if isinstance(value, str) else ""


def _shown(key: str, texts: list[str]) -> str:
    listed = ", ".join(texts)
    return f"{key}: {listed}" if key and listed else key or listed
