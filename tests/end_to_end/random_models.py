"""Random Keras models of 3 to 12 layers with branches, from a seed: the same seed gives the same model."""

import numpy as np


class Draw:
    """Grows a functional model layer by layer, keeping every tensor so far as a place to go on from."""

    def __init__(self, seed, *, streaming, recurrent=True):
        self.rng = np.random.default_rng(seed)
        self.streaming = streaming
        self.recurrent = recurrent
        self.count = 0

    def name(self, kind):
        self.count += 1
        return f"{kind}_{self.count}"

    def pick(self, *options):
        return options[self.rng.integers(len(options))]

    def model(self):
        import keras

        # A known length, so that branches of unequal length never meet; what streams does so all the same.
        length = 48 if self.streaming else int(self.rng.integers(6, 14))
        inputs = keras.Input((length, int(self.rng.integers(1, 5))), name="audio")
        tensors = [inputs]
        for _ in range(self.rng.integers(3, 13)):
            x = tensors[-1] if self.rng.random() < 0.7 else tensors[self.rng.integers(len(tensors))]
            grown = self.merge(tensors) if self.rng.random() < 0.25 else self.layer(x)
            if grown is not None:
                tensors.append(grown)
        return keras.Model(inputs, tensors[-1], name="random")

    def merge(self, tensors):
        import keras

        like = [x for x in tensors if tuple(x.shape) == tuple(tensors[-1].shape)]
        kind = self.pick("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average", "Concatenate", "gate")
        if kind == "gate":
            width, taps = int(self.rng.integers(1, 5)), int(self.rng.integers(1, 4))
            conv = [
                keras.layers.Conv1D(width, taps, padding="causal", activation=f, name=self.name("gated"))(tensors[-1])
                for f in ("tanh", "sigmoid")
            ]
            return keras.layers.Multiply(name=self.name("gate"))(conv)
        pair = [tensors[-1], like[self.rng.integers(len(like))]]
        return getattr(keras.layers, kind)(name=self.name(kind.lower()))(pair)

    def layer(self, x):
        import keras

        layers, rng = keras.layers, self.rng
        width = int(rng.integers(1, 6))
        activation = self.pick("linear", "relu", "tanh", "sigmoid", "elu", "gelu", "silu", "softplus", "leaky_relu")
        paddings = ("causal", "valid") if self.streaming else ("causal", "valid", "same")
        length, padding = x.shape[1], self.pick(*paddings)
        most = max(1, min(3, length // 3))
        taps, dilation = int(rng.integers(1, most + 1)), int(rng.integers(1, most + 1))
        choices = {
            "conv": lambda n: layers.Conv1D(
                width, taps, dilation_rate=dilation, padding=padding, activation=activation, name=n
            ),
            "depthwise": lambda n: layers.DepthwiseConv1D(
                taps, padding="valid" if self.streaming else "same", depth_multiplier=self.pick(1, 2), name=n
            ),
            "separable": lambda n: layers.SeparableConv1D(
                width, taps, padding="valid" if self.streaming else "same", activation=activation, name=n
            ),
            "dense": lambda n: layers.Dense(width, activation=activation, name=n),
            "activation": lambda n: layers.Activation(self.pick("mish", "hard_sigmoid", "softmax", "selu"), name=n),
            "batch_norm": lambda n: layers.BatchNormalization(name=n),
            "layer_norm": lambda n: layers.LayerNormalization(name=n),
            "prelu": lambda n: layers.PReLU(shared_axes=[1], name=n),
            "crop": lambda n: layers.Cropping1D((1, 0), name=n),
            "rescale": lambda n: layers.Rescaling(0.5, 0.1, name=n),
        }
        if self.recurrent:
            choices["gru"] = lambda n: layers.GRU(
                width, return_sequences=True, reset_after=self.pick(True, False), name=n
            )
            choices["lstm"] = lambda n: layers.LSTM(width, return_sequences=True, name=n)
        if not self.streaming:
            choices |= {
                "pool": lambda n: layers.MaxPooling1D(2, padding="same", name=n),
                "mean": lambda n: layers.AveragePooling1D(2, strides=1, padding="same", name=n),
                "up": lambda n: layers.UpSampling1D(2, name=n),
                "pad": lambda n: layers.ZeroPadding1D((1, 2), name=n),
                "both": lambda n: layers.Bidirectional(layers.GRU(width, return_sequences=True), name=n),
                "strided": lambda n: layers.Conv1D(width, taps, strides=2, padding="same", name=n),
                "transpose": lambda n: layers.Conv1DTranspose(width, 3, strides=2, padding="same", name=n),
            }
        kind = self.pick(*sorted(choices))
        shrinks = kind in ("crop", "depthwise", "separable") or padding == "valid"
        if (length is not None and (length < 4 and shrinks)) or ((length or 0) > 40 and kind in ("up", "transpose")):
            return None
        return choices[kind](self.name(kind))(x)
