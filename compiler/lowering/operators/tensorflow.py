"""TensorFlow's functions, as tf_keras records them in a TFOpLambda, in terms of the operators of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from compiler.errors import CompileError
from compiler.keras_file import LayerSpec


@dataclass(frozen=True)
class _Function:
    """How to call an operator instead.

    Args:
        operator: Its name in OPERATORS.
        positional: Names of arguments that it takes by position, behind the first.
        renamed: What arguments are called there, by TensorFlow's name.
        defaults: What TensorFlow assumes and Keras does not.
    """

    operator: str
    positional: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


_BINARY = {
    "math.add": "Add",
    "__operators__.add": "Add",
    "math.subtract": "Subtract",
    "math.multiply": "Multiply",
    "math.truediv": "Divide",
    "math.divide": "Divide",
    "math.maximum": "Maximum",
    "math.minimum": "Minimum",
    "math.pow": "Power",
    "math.greater": "Greater",
    "math.greater_equal": "GreaterEqual",
    "math.less": "Less",
    "math.less_equal": "LessEqual",
    "math.equal": "Equal",
    "math.not_equal": "NotEqual",
    "math.logical_and": "LogicalAnd",
    "math.logical_or": "LogicalOr",
}
_UNARY = {
    "math.negative": "Negative",
    "math.abs": "Absolute",
    "math.exp": "Exp",
    "math.log": "Log",
    "math.sqrt": "Sqrt",
    "math.rsqrt": "Rsqrt",
    "math.square": "Square",
    "math.reciprocal": "Reciprocal",
    "math.sin": "Sin",
    "math.cos": "Cos",
    "math.tanh": "Tanh",
    "nn.tanh": "Tanh",
    "math.sigmoid": "Sigmoid",
    "nn.sigmoid": "Sigmoid",
    "math.softplus": "Softplus",
    "nn.softplus": "Softplus",
    "math.log_sigmoid": "LogSigmoid",
    "math.logical_not": "LogicalNot",
    "nn.relu": "Relu",
    "nn.relu6": "Relu6",
    "nn.elu": "Elu",
    "nn.selu": "Selu",
    "nn.softsign": "Softsign",
    "identity": "Identity",
    "stop_gradient": "StopGradient",
    "cast": "Cast",
}
_REDUCTIONS = {
    "sum": "Sum",
    "mean": "Mean",
    "max": "Max",
    "min": "Min",
    "variance": "Var",
    "std": "Std",
    "logsumexp": "Logsumexp",
    "any": "Any",
}

FUNCTIONS: dict[str, _Function] = (
    {name: _Function(operator, ("y",)) for name, operator in _BINARY.items()}
    | {name: _Function(operator) for name, operator in _UNARY.items()}
    | {f"math.reduce_{name}": _Function(operator) for name, operator in _REDUCTIONS.items()}
    | {
        "math.argmax": _Function("Argmax", defaults={"axis": 0}),
        "math.argmin": _Function("Argmin", defaults={"axis": 0}),
        "nn.leaky_relu": _Function("LeakyRelu", renamed={"alpha": "negative_slope"}),
        "nn.gelu": _Function("Gelu", defaults={"approximate": False}),
        "nn.silu": _Function("Silu"),
        "nn.softmax": _Function("Softmax"),
        "nn.log_softmax": _Function("LogSoftmax"),
        "clip_by_value": _Function("Clip", renamed={"clip_value_min": "x_min", "clip_value_max": "x_max"}),
        "where": _Function("Where", ("x", "y")),
        "math.l2_normalize": _Function("L2Normalize"),
        "linalg.matmul": _Function("Matmul", ("b",)),
        "reshape": _Function("Reshape", renamed={"shape": "newshape"}),
        "transpose": _Function("Transpose", renamed={"perm": "axes"}),
        "compat.v1.transpose": _Function("Transpose", renamed={"perm": "axes"}),
        "expand_dims": _Function("ExpandDims"),
        "squeeze": _Function("Squeeze"),
        "compat.v1.squeeze": _Function("Squeeze"),
        "concat": _Function("Concatenate"),
        "stack": _Function("Stack", defaults={"axis": 0}),
        "unstack": _Function("Unstack"),
        "split": _Function("Split", renamed={"num_or_size_splits": "indices_or_sections"}),
        "reverse": _Function("Flip"),
        "repeat": _Function("Repeat"),
        "pad": _Function("Pad", renamed={"paddings": "pad_width"}),
        "compat.v1.pad": _Function("Pad", renamed={"paddings": "pad_width"}),
        "__operators__.getitem": _Function("GetItem", ("slice_spec",)),
    }
)


def translate(
    spec: LayerSpec, name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """The operator, its arguments by position and its options, for a call of TensorFlow's function of that name."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise CompileError(f"the TensorFlow function '{name}' is not supported", layer=spec.name)
    # A `name` names nothing but the operation.
    given = {key: value for key, value in keywords.items() if key != "name"}
    missing = [key for key in function.positional if key not in given]
    if missing:
        raise CompileError(f"'{name}' is called without '{missing[0]}'", layer=spec.name)
    arguments = (*arguments, *(given.pop(key) for key in function.positional))
    options = {"dtype": spec.config.get("dtype"), **function.defaults}
    options |= {function.renamed.get(key, key): value for key, value in given.items() if value is not None}
    if name == "split" and isinstance(options.get("indices_or_sections"), tuple):
        return "SplitSizes", arguments, {"sizes": options.pop("indices_or_sections"), **options}
    # False asks for nothing, where a function has a flag that its operator has not.
    ignored = {key for key, value in given.items() if value is False and key in ("conjugate", "adjoint_a", "adjoint_b")}
    return function.operator, arguments, {key: value for key, value in options.items() if key not in ignored}
