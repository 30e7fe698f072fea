"""Files of other projects with random weights, made as their formats say."""

import json

import numpy as np


def _list(rng, *shape, scale=0.5):
    return rng.normal(0, scale, shape).astype(np.float32).tolist()


def nam(architecture, config, count, *, seed=0, version="0.5.4", scale=0.4, **more):
    rng = np.random.default_rng(seed)
    top = {
        "version": version,
        "architecture": architecture,
        "config": config,
        "weights": _list(rng, count, scale=scale),
    }
    return top | {"sample_rate": 48000} | more


def a1_array(channels, head_size, inputs, taps=3, dilations=(1, 2, 4), *, gated=False, head_bias=False):
    """An array of the first generation, and how many weights it has."""
    config = {
        "input_size": inputs,
        "condition_size": 1,
        "head_size": head_size,
        "channels": channels,
        "kernel_size": taps,
        "dilations": list(dilations),
        "activation": "Tanh",
        "gated": gated,
        "head_bias": head_bias,
    }
    rows = channels * (2 if gated else 1)
    layer = rows * channels * taps + rows + rows + channels * channels + channels
    return config, inputs * channels + len(dilations) * layer + channels * head_size + (head_size if head_bias else 0)


def a1(*, gated=False):
    """Two arrays, the second narrower, as the standard networks are built."""
    first, one = a1_array(4, 3, 1, gated=gated)
    second, two = a1_array(3, 1, 4, dilations=(1, 2), gated=gated, head_bias=True)
    config = {"layers": [first, second], "head": None, "head_scale": 0.02}
    metadata = {"name": "test amp", "loudness": -18.5, "gain": 0.4, "date": {"year": 2026}, "tone_type": ""}
    return nam("WaveNet", config, one + two + 1, metadata=metadata)


def a2(names=("Softsign", "Hardswish", "SiLU")):
    """The second generation: a size, an activation and a gate of each layer's own, groups, heads of several taps."""
    config = {
        "input_size": 1,
        "condition_size": 1,
        "channels": 4,
        "bottleneck": 2,
        "kernel_sizes": [3, 2, 4],
        "head": {"out_channels": 1, "kernel_size": 5, "bias": True},
        "dilations": [1, 5, 2],
        "activation": [{"type": name} for name in names],
        "gating_mode": ["none", "gated", "none"],
        "secondary_activation": [None, "Sigmoid", None],
        "slimmable": None,
        "groups_input_mixin": 1,
        "head1x1": {"active": True, "out_channels": 3, "groups": 1},
        "layer1x1": {"active": True, "groups": 1},
        "conv_pre_film": {"active": False, "shift": True, "groups": 1},
    }
    layer = [rows * 4 * taps + 2 * rows + 4 * 2 + 4 + 3 * 2 + 3 for rows, taps in ((2, 3), (4, 2), (2, 4))]
    config = {"layers": [config], "head": None, "head_scale": 0.1}
    return nam("WaveNet", config, 4 + sum(layer) + 3 * 5 + 1 + 1, version="0.7.0")


def grouped():
    array, _ = a1_array(4, 1, 1)
    array |= {"groups_input": 2, "activation": "LeakyReLU"}
    count = 4 + 3 * (4 * 2 * 3 + 4 + 4 + 16 + 4) + 4 + 1
    return nam("WaveNet", {"layers": [array], "head": None, "head_scale": 1}, count)


def nam_lstm(layers=2, units=5):
    count = sum(4 * units * (inputs + units) + 6 * units for inputs in (1, units)[:layers]) + units + 1
    return nam("LSTM", {"input_size": 1, "hidden_size": units, "num_layers": layers}, count)


def container():
    sizes = [{"max_value": limit, "model": a1(gated=gated)} for limit, gated in ((0.5, False), (1.0, True))]
    return nam("SlimmableContainer", {"submodels": sizes}, 0, version="0.7.0")


def guitarml(unit="LSTM", knobs=0, layers=1, units=6, skip=1):
    rng, rows = np.random.default_rng(knobs), (4 if unit == "LSTM" else 3) * units
    state = {"lin.weight": _list(rng, 1, units), "lin.bias": _list(rng, 1)}
    for number in range(layers):
        inputs = units if number else 1 + knobs
        state |= {
            f"rec.weight_ih_l{number}": _list(rng, rows, inputs),
            f"rec.weight_hh_l{number}": _list(rng, rows, units),
        }
        state |= {f"rec.bias_ih_l{number}": _list(rng, rows), f"rec.bias_hh_l{number}": _list(rng, rows)}
    data = {"model": "SimpleRNN", "input_size": 1 + knobs, "skip": skip, "output_size": 1, "unit_type": unit}
    return {"model_data": data | {"num_layers": layers, "hidden_size": units, "bias_fl": True}, "state_dict": state}


def rtneural():
    """Every kind of layer, a grouped convolution among them."""
    rng = np.random.default_rng(5)

    def layer(kind, outputs, *weights, **more):
        return {"type": kind, "shape": [None, None, outputs], "weights": list(weights), **more}

    return {
        "in_shape": [None, None, 1],
        "layers": [
            layer("time-distributed-dense", 4, _list(rng, 1, 4), _list(rng, 4), activation="tanh"),
            layer("conv1d", 4, _list(rng, 3, 4, 4), _list(rng, 4), kernel_size=[3], dilation=[2]),
            layer("prelu", 4, [_list(rng, 4)], activation=""),
            layer(
                "batchnorm", 4, *(_list(rng, 4) for _ in range(3)), [0.5, 1.0, 2.0, 0.1], epsilon=0.01, activation=""
            ),
            layer(
                "conv1d",
                4,
                _list(rng, 2, 2, 4),
                _list(rng, 4),
                activation="relu",
                kernel_size=[2],
                dilation=[1],
                groups=2,
            ),
            layer("gru", 3, _list(rng, 4, 9), _list(rng, 3, 9), _list(rng, 2, 9), activation="tanh"),
            layer("activation", 3, activation="sigmoid"),
            layer("lstm", 2, _list(rng, 3, 8), _list(rng, 2, 8), _list(rng, 8), activation="tanh"),
            layer("batchnorm", 2, _list(rng, 2), [0.5, 1.5], epsilon=0.001),
            layer("dense", 1, _list(rng, 2, 1), _list(rng, 1), activation=""),
        ],
    }


def write(folder, content, name="file.json"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path
