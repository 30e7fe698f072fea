"""Networks to be written in every format: each built alike by Keras 3 and by tf_keras, given as `k`."""

import zlib

import numpy as np


def leaves(model):
    """The layers of a model and of the models within it that are no models themselves."""
    for layer in model.layers:
        while type(layer).__name__ == "TimeDistributed":
            layer = layer.layer
        yield from leaves(layer) if hasattr(layer, "layers") else [layer]


def fill(model):
    """Weights that depend on the name of the layer alone, so that both libraries get the same."""
    for layer in leaves(model):
        rng = np.random.default_rng(zlib.crc32(layer.name.encode()))
        new = []
        for variable in layer.get_weights():
            scale = 0.5 / np.sqrt(max(1, np.prod(variable.shape[:-1])))
            # Positive, so that it may be a variance.
            new.append(np.abs(rng.normal(0, scale, variable.shape)).astype(variable.dtype) + np.float32(0.1))
            new[-1] *= rng.choice([-1, 1], variable.shape) if variable.ndim > 1 else 1
        layer.set_weights(new)
    return model


def chain(k):
    """Convolutions in time, one after the other."""
    x = i = k.Input((None, 2), name="audio")
    x = k.layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="tanh", name="c_a")(x)
    x = k.layers.BatchNormalization(scale=False, name="n_a")(x)
    x = k.layers.Conv1D(3, 2, padding="causal", use_bias=False, name="c_b")(x)
    x = k.layers.ReLU(max_value=3.0, negative_slope=0.125, name="r")(x)
    return k.Model(i, k.layers.Dense(2, name="d")(x), name="chain")


def image(k):
    """Convolutions in a plane, down to a vector."""
    x = i = k.Input((8, 6, 2), name="picture")
    x = k.layers.Conv2D(4, 3, padding="same", strides=2, name="c_a")(x)
    x = k.layers.DepthwiseConv2D(2, depth_multiplier=2, name="c_b")(x)
    x = k.layers.MaxPooling2D((1, 2), name="p")(x)
    x = k.layers.Flatten(name="f")(x)
    return k.Model(i, k.layers.Dense(3, activation="softmax", name="d")(x), name="image")


def nested(k):
    """Models within models, called twice, sharing names of layers; shared layers; two inputs and outputs."""
    layers = k.layers
    i = k.Input((None, 3), name="in")
    h = layers.Conv1D(4, 2, padding="causal", name="c1")(i)
    h = layers.BatchNormalization(name="bn")(h)
    deepest = k.Model(i, layers.Dense(3, name="d1")(h), name="deepest")
    i = k.Input((None, 3), name="in_2")
    outer = k.Model(i, layers.Dense(3, name="d2")(deepest(i)), name="outer")
    sequence = k.Sequential(
        [k.Input((None, 3)), layers.BatchNormalization(name="bn"), layers.Dense(3, name="c1")], name="seq"
    )
    a, b = k.Input((None, 3), name="a"), k.Input((None, 3), name="b")
    shared = layers.Dense(3, name="shared")
    x, y = shared(outer(a)), shared(outer(b))
    z = sequence(layers.Add(name="add")([x, y]))
    z = layers.Multiply(name="mul")([z, z])
    return k.Model([a, b], [layers.Dense(2, name="c1")(z), x], name="nested")


def many(k):
    """Inputs and outputs in dicts whose order is not that of the alphabet, and a model within that has the same."""
    i = {"z": k.Input((4, 3), name="z"), "a": k.Input((4, 2), name="a")}
    z = k.layers.Dense(2, name="d_z")(i["z"])
    inner = k.Model(i, {"s": z, "m": k.layers.Add(name="sum")([z, i["a"]])}, name="inner")
    i = {"q": k.Input((4, 2), name="q"), "p": k.Input((4, 3), name="p")}
    y = inner({"z": i["p"], "a": i["q"]})
    out = {"v": k.layers.Dense(1, name="d_v")(y["s"]), "u": k.layers.Subtract(name="sub")([y["m"], y["s"]])}
    return k.Model(i, out, name="many")


def recurrent(k):
    """Layers that hold layers."""
    x = i = k.Input((5, 3), name="in")
    x = k.layers.GRU(4, return_sequences=True, name="gru")(x)
    x = k.layers.LSTM(3, return_sequences=True, name="lstm")(x)
    x = k.layers.Bidirectional(k.layers.SimpleRNN(2, return_sequences=True, name="rnn"), name="both_ways")(x)
    x = k.layers.TimeDistributed(k.layers.Dense(2, name="dense"), name="each")(x)
    return k.Model(i, k.layers.Dropout(0.5, name="drop")(x, training=False), name="recurrent")


def sequential(k):
    """Two layers of one class, so that a counter tells them apart."""
    layers = [k.layers.Dense(3, activation="relu", name="one"), k.layers.Dense(2, name="two")]
    return k.Sequential([k.Input((4,), name="in"), *layers], name="sequential")


def without_an_input(k):
    """A Sequential model whose first layer, a model itself, brings the shape."""
    i = k.Input((5, 3), name="inner_input")
    inner = k.Model(i, k.layers.Dense(4, name="one")(i), name="inner")
    outer = [inner, k.layers.BatchNormalization(name="norm"), k.layers.Dense(2, name="two")]
    model = k.Sequential(outer, name="without_an_input")
    model.build((None, 5, 3))
    return model


def frozen(k):
    """Weights that are not trained stand last in a model within a model, wherever their layer stands."""
    i = k.Input((4, 3), name="in")
    x = k.layers.Dense(3, name="a", trainable=False)(i)
    x = k.layers.BatchNormalization(name="b", trainable=False)(x)
    inner = k.Model(i, k.layers.Dense(3, name="c")(x), name="inner")
    i = k.Input((4, 3), name="in_2")
    # The model within is an output itself, by its first and by its second call.
    x = inner(i)
    return k.Model(i, [inner(x), x], name="frozen")


def each_step(k):
    """A convolutional model applied to each step: with models within it, frozen layers, and a layer it calls twice."""
    layers = k.layers
    i = k.Input((6, 4, 2), name="picture")
    x = layers.Conv2D(3, 2, trainable=False, name="c")(i)
    x = layers.BatchNormalization(name="n")(x)
    j = k.Input((5, 3, 3), name="deep_in")
    deep = k.Model(j, layers.BatchNormalization(name="n_deep")(layers.Dense(3, name="d")(j)), name="deep")
    shared = layers.Dense(3, activation="tanh", name="shared")
    x = shared(layers.Add(name="add")([shared(x), deep(x)]))
    cnn = k.Model(i, layers.Flatten(name="f")(x), name="cnn")
    i = k.Input((5, 6, 4, 2), name="in")
    x = layers.TimeDistributed(cnn, name="pictures")(i)
    x = layers.GRU(4, return_sequences=True, name="gru")(x)
    # One that learns the shape of its input from what it is called on, and one whose layers share a model's names.
    late = k.Sequential([layers.Dense(4, name="d"), layers.LayerNormalization(name="n")], name="late")
    x = layers.TimeDistributed(late, name="vectors")(x)
    return k.Model(i, layers.Dense(2, name="d")(x), name="each_step")


def steps_of_steps(k):
    """A model applied to each step of each step, twice with the same weights; and within a model."""
    layers = k.layers
    head = k.Sequential(
        [k.Input((3,)), layers.Dense(3, trainable=False, name="a"), layers.Dense(3, name="b")], name="m"
    )
    i = k.Input((4, 3), name="in")
    inner = k.Model(i, layers.TimeDistributed(head, name="rows")(i), name="inner")
    i = k.Input((2, 4, 3), name="in_2")
    each = layers.TimeDistributed(inner, name="planes")
    i_2 = k.Input((3,), name="in_3")
    tail = k.Model(i_2, layers.BatchNormalization(name="n")(layers.Dense(2, name="d")(i_2)), name="tail")
    twice = layers.TimeDistributed(layers.TimeDistributed(tail, name="inside"), name="outside")
    middle = k.Model(i, twice(each(each(i))), name="middle")
    i = k.Input((2, 4, 3), name="in_4")
    return k.Model(i, layers.ReLU(name="r")(middle(i)), name="steps_of_steps")


NETS = (chain, image, nested, many, recurrent, sequential, without_an_input, frozen, each_step, steps_of_steps)


def keras_operators(k):
    """Operators as Keras 3 records them. Each output shows a few."""
    ops = k.ops
    x, y = k.Input((8, 3), name="x"), k.Input((8, 3), name="y")
    z = abs(-((1 - x * 0.5) / 4.0 + y)) + np.array([1, 2, 3], "float32")
    outputs = [
        z,
        (2.0 / z) ** 3 - z**2,
        ops.maximum(x, y) * ops.minimum(x, 0.25),
        ops.tanh(x) * ops.sigmoid(y) + ops.relu(x) + ops.leaky_relu(y, 0.1) + ops.gelu(x) + ops.silu(y),
        ops.exp(x) + ops.log(z) + ops.sqrt(z) + ops.square(x) + ops.rsqrt(z) + ops.sin(x) + ops.clip(y, -0.5, 0.25),
        ops.mean(x, axis=-1, keepdims=True) + ops.sum(y, axis=2, keepdims=True) + ops.max(x, axis=[2], keepdims=True),
        ops.min(x, axis=(1, 2)),
        ops.std(x, axis=1) + ops.var(y, axis=1),
        ops.softmax(x, axis=-1) + ops.softmax(y, axis=1),
        ops.reshape(ops.concatenate([x, y], axis=-1), (-1, 4, 12)),
        ops.transpose(x, (0, 2, 1)) + ops.swapaxes(y, 1, -1) + ops.moveaxis(x, 1, 2),
        ops.squeeze(ops.expand_dims(x, -1), -1) + ops.stack([x, y], axis=1)[:, 1],
        ops.split(x, 3, axis=-1)[1] + ops.split(y, [1, 2], axis=2)[2] + ops.unstack(x, axis=2)[1][:, :, None],
        x[:, 1:-1:2] + y[..., ::-1][:, :3] + x[:, None, 2],
        ops.matmul(x, ops.transpose(y, (0, 2, 1))) @ y,
        ops.matmul(x, np.arange(6, dtype="float32").reshape(3, 2)),
        ops.where(x > y, x, 0.5) + ops.where(x <= 0.25, y, x) + ops.where(ops.logical_not(x < 0.5), 1.0, y),
        # Half of what relu gives are zeros, so that extremes and equals tie.
        ops.argmax(ops.relu(x), axis=1) + ops.argmin(ops.relu(y), axis=1) + ops.argmax(x, axis=-2),
        ops.argmin(x, axis=2, keepdims=True) + ops.logsumexp(200 * y, axis=-1, keepdims=True),
        ops.logsumexp(x, axis=(1, 2)),
        ops.where(ops.equal(ops.relu(x), ops.relu(y)), 1.0, x) + ops.where(ops.not_equal(ops.relu(x), 0), y, 0.25),
        ops.pad(ops.flip(x, axis=1), ((0, 0), (1, 0), (0, 2)))
        + ops.cast(ops.pad(y, ((0, 0), (0, 1), (1, 1))), "float32"),
        ops.repeat(x, 2, axis=1),
        ops.normalize(y, axis=1) + ops.where(ops.any(x > 0.9, axis=2, keepdims=True), x, 0.5),
        k.activations.relu(x, max_value=0.5, negative_slope=0.25) + k.activations.log_softmax(y),
    ]
    return k.Model([x, y], outputs, name="keras_operators")


def tensorflow_operators(k):
    """The same as TensorFlow's functions, as tf_keras records them."""
    import tensorflow as tf

    math, nn = tf.math, tf.nn
    x, y = k.Input((8, 3), name="x"), k.Input((8, 3), name="y")
    z = abs(-((1 - x * 0.5) / 4.0 + y)) + np.array([1, 2, 3], "float32")
    outputs = [
        z,
        (2.0 / z) ** 3 - z**2,
        tf.maximum(x, y) * tf.minimum(x, 0.25),
        tf.tanh(x) * tf.sigmoid(y) + nn.relu(x) + nn.leaky_relu(y, 0.1) + nn.gelu(x, True) + nn.silu(y),
        tf.exp(x)
        + math.log(z)
        + tf.sqrt(z)
        + tf.square(x)
        + math.rsqrt(z)
        + tf.sin(x)
        + tf.clip_by_value(y, -0.5, 0.25),
        tf.reduce_mean(x, -1, True) + tf.reduce_sum(y, 2, True) + tf.reduce_max(x, axis=[2], keepdims=True),
        tf.reduce_min(x, axis=(1, 2)),
        math.reduce_std(x, axis=1) + math.reduce_variance(y, axis=1),
        nn.softmax(x) + nn.softmax(y, axis=1),
        tf.reshape(tf.concat([x, y], -1), (-1, 4, 12)),
        tf.transpose(x, (0, 2, 1)) + tf.transpose(y, perm=[0, 2, 1]) + tf.transpose(x, (0, 2, 1)),
        tf.squeeze(tf.expand_dims(x, -1), -1) + tf.stack([x, y], axis=1)[:, 1],
        tf.split(x, 3, axis=-1)[1] + tf.split(y, [1, 1, 1], axis=2)[2] + tf.unstack(x, axis=2)[1][:, :, None],
        x[:, 1:-1:2] + y[:, :, ::-1][:, :3] + x[:, None, 2],
        tf.matmul(x, y, transpose_b=True) @ y,
        tf.matmul(x, np.arange(6, dtype="float32").reshape(3, 2)),
        tf.where(x > y, x, 0.5) + tf.where(x <= 0.25, y, x) + tf.where(math.logical_not(x < 0.5), 1.0, y),
        tf.argmax(nn.relu(x), axis=1) + tf.argmin(nn.relu(y), axis=1) + tf.argmax(x, axis=-2),
        tf.cast(tf.expand_dims(tf.argmin(x, axis=2), -1), "float32") + tf.reduce_logsumexp(200 * y, -1, True),
        tf.reduce_logsumexp(x, axis=(1, 2)),
        tf.where(tf.equal(nn.relu(x), nn.relu(y)), 1.0, x) + tf.where(tf.not_equal(nn.relu(x), 0), y, 0.25),
        tf.pad(tf.reverse(x, [1]), ((0, 0), (1, 0), (0, 2))) + tf.cast(tf.pad(y, ((0, 0), (0, 1), (1, 1))), "float32"),
        tf.repeat(x, 2, axis=1),
        math.l2_normalize(y, axis=1) + tf.where(tf.reduce_any(x > 0.9, axis=2, keepdims=True), x, 0.5),
        k.activations.relu(x, max_value=0.5, alpha=0.25) + nn.log_softmax(y),
    ]
    return k.Model([x, y], outputs, name="tensorflow_operators")


def inputs(model, samples=3, steps=20):
    """A batch for each input, in the order in which Keras takes them."""
    rng = np.random.default_rng(1)
    tensors = model.inputs
    return [rng.uniform(-1, 1, (samples, *(n or steps for n in x.shape[1:]))).astype(np.float32) for x in tensors]


def predict(model, x):
    """What Keras makes of it, output after output."""
    # A Sequential model of Keras 3 that was never called has no `input`.
    if isinstance(getattr(model, "input", None), dict):
        x = dict(zip(sorted(model.input), x, strict=True))
    elif len(x) == 1:
        (x,) = x
    y = model(x, training=False)
    if isinstance(y, dict):
        y = [y[key] for key in sorted(y)]
    return [np.asarray(part) for part in (y if isinstance(y, list | tuple) else [y])]


def write(model, folder, library):
    """The model in every format of a library: (name, what to give to read)."""
    stem = folder / f"{library}_{model.name}"
    model.save(f"{stem}.h5")
    model.save(f"{stem}.keras")
    model.save_weights(f"{stem}.weights.h5")
    stem.with_suffix(".json").write_text(model.to_json())
    files = {
        "h5": (f"{stem}.h5",),
        "keras": (f"{stem}.keras",),
        "json and .weights.h5": (f"{stem}.json", f"{stem}.weights.h5"),
        "json and the .h5 as weights": (f"{stem}.json", f"{stem}.h5"),
    }
    if library == "tf_keras":
        model.save_weights(f"{stem}_old.h5", save_format="h5")
        files["json and old .h5"] = (f"{stem}.json", f"{stem}_old.h5")
    return files
