"""Embeddings: whole numbers to rows of a table."""

from __future__ import annotations

from compiler.ir.ops import Gather
from compiler.ir.values import Value
from compiler.lowering import integer_weights
from compiler.lowering.layer import Layer
from compiler.lowering.masking import mask_zero


def embedding(layer: Layer, x: Value) -> Value:
    """Keras' Embedding; numbers beyond the table take its last row."""
    layer.expect("lora_rank", None)
    layer.ignore("input_length")
    layer.ignore_training_of("embeddings")
    entries, width = layer.size("input_dim"), layer.size("output_dim")
    if layer.integers:
        layer.ignore("quantization_config")  # what it says of activations is for layers that multiply them
        table = integer_weights.read(layer, "embeddings", (entries, width), (entries,), None)["embeddings"]
    else:
        layer.expect("quantization_config", None)
        table = layer.weights({"embeddings": (entries, width)})["embeddings"]
    y = layer.emit(Gather, x, table=table)
    if layer.flag("mask_zero", False):
        mask_zero(layer, x, y)
    return y
