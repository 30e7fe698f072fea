"""The table: which function lowers which class of Keras layer.

A lowering is given the layer and the values it is called on, consumes every configuration key, and returns the
value that the layer computes, or several.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from compiler.ir.values import Value
from compiler.lowering import (
    activation,
    attention,
    convolution,
    dense,
    embedding,
    hgq,
    masking,
    merging,
    noop,
    normalization,
    pooling,
    recurrent,
    reshaping,
    wrappers,
)

Lower = Callable[..., Value | tuple[Value, ...]]

TABLE: dict[str, Lower] = {
    **activation.LAYERS,
    **noop.TABLE,
    "Activation": activation.activation_layer,
    "Add": merging.add,
    "Attention": attention.attention,
    "Average": merging.average,
    "AveragePooling1D": pooling.average_pooling,
    "AveragePooling2D": pooling.average_pooling,
    "BatchNormalization": normalization.batch_normalization,
    "Bidirectional": wrappers.bidirectional,
    "Concatenate": merging.concatenate,
    "Conv1D": convolution.convolution,
    "Conv1DTranspose": convolution.transposed,
    "Conv2D": convolution.convolution,
    "Conv2DTranspose": convolution.transposed,
    "Cropping1D": reshaping.cropping,
    "Cropping2D": reshaping.cropping,
    "Dense": dense.dense,
    "DepthwiseConv1D": convolution.depthwise,
    "DepthwiseConv2D": convolution.depthwise,
    "Dot": merging.dot,
    "EinsumDense": dense.einsum_dense,
    "Embedding": embedding.embedding,
    "Flatten": reshaping.flatten,
    "GRU": recurrent.recurrent,
    "GlobalAveragePooling1D": pooling.global_average_pooling,
    "GlobalAveragePooling2D": pooling.global_average_pooling,
    "GlobalMaxPooling1D": pooling.global_max_pooling,
    "GlobalMaxPooling2D": pooling.global_max_pooling,
    "GroupNormalization": normalization.group_normalization,
    "LSTM": recurrent.recurrent,
    "LayerNormalization": normalization.layer_normalization,
    "Masking": masking.masking,
    "MaxPooling1D": pooling.max_pooling,
    "MaxPooling2D": pooling.max_pooling,
    "Maximum": merging.maximum,
    "Minimum": merging.minimum,
    "Multiply": merging.multiply,
    "Normalization": normalization.normalization,
    "PReLU": activation.prelu_layer,
    "Permute": reshaping.permute,
    "QActivation": activation.quantized_activation_layer,
    "QBatchNormalization": normalization.quantized_batch_normalization,
    "QConv1D": convolution.quantized_convolution,
    "QConv2D": convolution.quantized_convolution,
    "QDense": dense.quantized_dense,
    "QDepthwiseConv2D": convolution.quantized_depthwise,
    "QSeparableConv1D": convolution.quantized_separable,
    "QSeparableConv2D": convolution.quantized_separable,
    "RMSNormalization": normalization.rms_normalization,
    "RNN": recurrent.recurrent,
    "RepeatVector": reshaping.repeat_vector,
    "Rescaling": normalization.rescaling,
    "Reshape": reshaping.reshape_layer,
    "SeparableConv1D": convolution.separable,
    "SeparableConv2D": convolution.separable,
    "SimpleRNN": recurrent.recurrent,
    "Subtract": merging.subtract,
    "UnitNormalization": normalization.unit_normalization,
    "UpSampling1D": reshaping.up_sampling,
    "UpSampling2D": reshaping.up_sampling,
    "ZeroPadding1D": reshaping.zero_padding,
    "ZeroPadding2D": reshaping.zero_padding,
}
TABLE["SpectralNormalization"] = partial(wrappers.spectral_normalization, TABLE)
TABLE["TimeDistributed"] = partial(wrappers.time_distributed, TABLE)
# Classes of files that no Keras of today writes.
OLD_CLASSES: dict[str, Lower] = {
    **dict.fromkeys(recurrent.CUDNN, recurrent.recurrent),
    **dict.fromkeys(("BatchNormalizationV1", "BatchNormalizationV2"), normalization.batch_normalization),
}
# HGQ2's layers, which are Keras' with quantisers.
HGQ2: dict[str, Lower] = {
    **{f"hgq>Q{name}": hgq.weighted(TABLE[name]) for name in ("Conv1D", "Conv2D", "Dense", "EinsumDense")},
    **{f"hgq>Q{name}": hgq.plain(TABLE[name]) for name in hgq.PLAIN},
    "hgq>QBatchNormDense": hgq.batch_norm_dense(dense.dense),
    "hgq>QBatchNormalization": hgq.batch_normalization,
    "hgq>Quantizer": hgq.quantizer,
}


def find(class_name: str) -> Lower | None:
    """The function that lowers a class; None where there is none."""
    return TABLE.get(class_name) or OLD_CLASSES.get(class_name) or HGQ2.get(class_name)
