"""Attention: the mean of values, each weighed by how well its key goes with the query."""

from __future__ import annotations

import numpy as np

from compiler.ir.ops import Affine, Dot, Transpose
from compiler.ir.values import Value
from compiler.lowering.arithmetic import softmax
from compiler.lowering.layer import Layer


def attention(layer: Layer, query: Value, value: Value, key: Value | None = None) -> Value:
    """Keras' Attention, of products of queries and keys (Luong)."""
    layer.expect("score_mode", "dot")
    layer.expect_false("causal")
    layer.ignore("dropout", "seed")
    key = value if key is None else key
    scale = layer.weights({"scale": ()})["scale"] if layer.flag("use_scale", False) else None
    for x in (query, value, key):
        if len(x.shape) != 2 or None in x.shape:
            raise layer.error(f"is called on the shape {x.shape}, which has to be a known (time, channels)")
    if query.shape[1] != key.shape[1] or key.shape[0] != value.shape[0]:
        raise layer.error(f"a query {query.shape}, values {value.shape} and keys {key.shape} do not go together")
    scores = layer.emit(Dot, (query, key), suffix="_scores")
    if scale is not None:
        factors = np.full(key.shape[0], float(scale))
        scores = layer.emit(Affine, scores, suffix="_scaled", scale=factors, shift=np.zeros(key.shape[0]))
    weights = softmax(layer, scores, (1,))
    columns = layer.emit(Transpose, value, suffix="_columns", permutation=(1, 0))
    return layer.emit(Dot, (weights, columns))
