"""A random ensemble as compilers take it."""

import keras
import numpy as np

from zoo.ensembles.grouped import grouped


def device_ensemble(model: keras.Model, *, name: str = "device_ensemble") -> keras.Model:
    """The same embeddings from Keras' own layers alone: grouped convolutions and unit length.

    Centring and whitening are linear: one more convolution of a single position, grouped by member.

    Args:
        model: what `random_ensemble` made, adapted if it has a transform.
        name: name of the model.

    Returns:
        A functional model from images to embeddings (batch, members, dimensions) of unit length; weights are copied.
    """
    members = grouped(model.get_layer("members"))
    x = keras.layers.UnitNormalization(name="unit_length")(members.output)
    transform = next((layer for layer in model.layers if layer.name == "transform"), None)
    if transform is None:
        return keras.Model(members.input, x, name=name)
    count, size = transform.mean.shape
    mean = transform.mean.numpy()
    matrices = transform.matrix.numpy() if transform.mode == "whitened" else np.tile(np.eye(size), (count, 1, 1))
    linear = keras.layers.Conv2D(count * size, 1, groups=count, name="transform")
    x = keras.layers.Reshape((1, 1, count * size), name="side_by_side")(x)
    x = keras.layers.Reshape((count, size), name="apart")(linear(x))
    kernel = matrices.transpose(1, 0, 2).reshape(1, 1, size, count * size)
    linear.set_weights([kernel, -np.einsum("mi,mij->mj", mean, matrices).reshape(-1)])
    return keras.Model(members.input, keras.layers.UnitNormalization(name="unit_length_again")(x), name=name)
