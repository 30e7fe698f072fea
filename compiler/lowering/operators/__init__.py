"""Operators in a graph -> operations: `x * 0.5`, `x[:, 1:]`, `keras.ops.mean`, `tf.concat`.

Keras 3 records each as an object of a class of its own, tf_keras as a TFOpLambda with the name of a function.
To add one: write a function (Operator, *arguments) -> Value and enter it in the OPERATORS of its module, and where
TensorFlow has it, in tensorflow.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from compiler.errors import CompileError
from compiler.ir.values import Value
from compiler.keras_file import LayerSpec
from compiler.lowering import nearest
from compiler.lowering.builder import Builder
from compiler.lowering.operators import arithmetic, decisions, movement, tensorflow
from compiler.lowering.operators.operator import Operator

OPERATORS = arithmetic.OPERATORS | decisions.OPERATORS | movement.OPERATORS


def lower_operator(
    spec: LayerSpec, builder: Builder, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[Value, ...]:
    """What one call of an operator computes.

    Args:
        arguments, keywords: Of the call: values, numbers, text, arrays, slices, or tuples of such.
    """
    if spec.operator:
        kind, what, options = spec.class_name, spec.class_name, {**spec.config, **keywords}
    else:
        what = str(spec.config.get("function"))
        kind, arguments, options = tensorflow.translate(spec, what, arguments, keywords)
    function = OPERATORS.get(kind)
    if function is None:
        hint = nearest.hint(kind, OPERATORS)
        raise CompileError(f"the operator '{what}' is not supported", layer=spec.name, hint=hint)
    operator = Operator(replace(spec, class_name=what, config=options), builder)
    try:
        inspect.signature(function).bind(operator, *arguments)
    except TypeError:
        raise operator.error(f"the operator '{what}' with {len(arguments)} arguments is not supported") from None
    result = function(operator, *arguments)
    operator.finish()
    return (result,) if isinstance(result, Value) else tuple(result)
