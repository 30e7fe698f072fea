"""The two networks that guitar players run, as Keras models: Neural Amp Modeler's A2 shapes, 3 and 8 channels."""

DILATIONS = (1, 3, 7, 17, 41, 101, 239)
LAYERS = [*((6, d) for d in (*DILATIONS, *DILATIONS)), (15, 1), (15, 13), *((6, d) for d in DILATIONS)]
HEAD_TAPS = 16


def a2(channels):
    """23 dilated layers with residual and head sums: 1,858 parameters with 3 channels, 12,073 with 8."""
    import keras

    layers = keras.layers
    audio = keras.Input((None, 1), name="audio")
    x = layers.Conv1D(channels, 1, use_bias=False, name="widen")(audio)
    heads = []
    for number, (taps, dilation) in enumerate(LAYERS):
        conv = layers.Conv1D(channels, taps, padding="causal", dilation_rate=dilation, name=f"conv_{number}")(x)
        mixin = layers.Conv1D(channels, 1, use_bias=False, name=f"mixin_{number}")(audio)
        active = layers.LeakyReLU(0.01, name=f"active_{number}")(layers.Add(name=f"mixed_{number}")([conv, mixin]))
        heads.append(active)
        if number < len(LAYERS) - 1:
            x = layers.Add(name=f"residual_{number}")([x, layers.Conv1D(channels, 1, name=f"inner_{number}")(active)])
    head = layers.Add(name="head_sum")(heads)
    out = layers.Conv1D(1, HEAD_TAPS, padding="causal", name="head")(head)
    return keras.Model(audio, layers.Rescaling(0.02, name="scale")(out), name=f"a2_{channels}")
