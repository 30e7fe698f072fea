"""The networks of other projects in plain numpy, float64, written from their formats and not from the zoo's code."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FUNCTIONS = {
    "Tanh": np.tanh,
    "ReLU": lambda x: np.maximum(x, 0),
    "Sigmoid": sigmoid,
    "LeakyReLU": lambda x: np.where(x > 0, x, 0.01 * x),
    "SiLU": lambda x: x * sigmoid(x),
    "Hardtanh": lambda x: np.clip(x, -1, 1),
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
}


def convolve(x, kernel, dilation=1, groups=1):
    """x (channels, time), kernel (out, in / groups, taps): each output from its own group of inputs, zeros before."""
    out, per_group, taps = kernel.shape
    y = np.zeros((out, x.shape[1]))
    for o in range(out):
        first = o // (out // groups) * per_group
        for i in range(per_group):
            for k in range(taps):
                delay = dilation * (taps - 1 - k)
                delayed = np.concatenate([np.zeros(min(delay, x.shape[1])), x[first + i, : max(x.shape[1] - delay, 0)]])
                y[o] += kernel[o, i, k] * delayed
    return y


class Weights:
    def __init__(self, values):
        self.values, self.at = np.asarray(values, np.float64), 0

    def __call__(self, *shape):
        size = int(np.prod(shape))
        self.at += size
        return self.values[self.at - size : self.at].reshape(shape)


def nam_wavenet(config, values, x):
    """config of a WaveNet of any generation, its weights, x (time,)."""
    weights, audio = Weights(values), x[None]
    y, head = audio, None
    for array in config["layers"]:
        channels = array["channels"]
        bottleneck = array.get("bottleneck", channels)
        count = len(array["dilations"])
        y = convolve(y, weights(channels, y.shape[0], 1))
        taps = array.get("kernel_sizes", [array.get("kernel_size")] * count)
        names = array["activation"] if isinstance(array["activation"], list) else [array["activation"]] * count
        modes = array.get("gating_mode", "gated" if array.get("gated") else "none")
        modes = modes if isinstance(modes, list) else [modes] * count
        groups = array.get("groups_input", 1)
        for k, dilation, name, mode in zip(taps, array["dilations"], names, modes, strict=True):
            function = FUNCTIONS[name["type"] if isinstance(name, dict) else name]
            rows = bottleneck * (2 if mode == "gated" else 1)
            z = convolve(y, weights(rows, channels // groups, k), dilation, groups) + weights(rows)[:, None]
            z = z + convolve(audio, weights(rows, 1, 1))
            active = function(z[:bottleneck])
            if mode == "gated":
                active = active * sigmoid(z[bottleneck:])
            if array.get("layer1x1", {}).get("active", True):
                y = y + convolve(active, weights(channels, bottleneck, 1)) + weights(channels)[:, None]
            given = active
            if array.get("head1x1", {}).get("active"):
                outputs = array["head1x1"]["out_channels"]
                given = convolve(active, weights(outputs, bottleneck, 1)) + weights(outputs)[:, None]
            head = given if head is None else head + given
        last = array.get("head") or {
            "out_channels": array["head_size"],
            "kernel_size": 1,
            "bias": array.get("head_bias", False),
        }
        head = convolve(head, weights(last["out_channels"], head.shape[0], last["kernel_size"]))
        if last["bias"]:
            head = head + weights(last["out_channels"])[:, None]
    y = weights(1) * head[0]
    assert weights.at == weights.values.size
    return y


def torch_lstm(x, kernel, recurrent, bias):
    """x (time, inputs); gates i, f, g, o."""
    units = recurrent.shape[1]
    h, c, y = np.zeros(units), np.zeros(units), []
    for sample in x:
        i, f, g, o = np.split(kernel @ sample + recurrent @ h + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        y.append(h)
    return np.array(y)


def torch_gru(x, kernel, recurrent, biases):
    """x (time, inputs); gates r, z, n; biases (2, 3 units)."""
    units = recurrent.shape[1]
    h, y = np.zeros(units), []
    for sample in x:
        ri, zi, ni = np.split(kernel @ sample + biases[0], 3)
        rh, zh, nh = np.split(recurrent @ h + biases[1], 3)
        n = np.tanh(ni + sigmoid(ri + rh) * nh)
        z = sigmoid(zi + zh)
        h = (1 - z) * n + z * h
        y.append(h)
    return np.array(y)


def nam_lstm(config, values, x):
    weights, y, units = Weights(values), x[:, None], config["hidden_size"]
    for _ in range(config["num_layers"]):
        both = weights(4 * units, y.shape[1] + units)
        bias = weights(4 * units)
        weights(2, units)
        y = torch_lstm(y, both[:, : y.shape[1]], both[:, y.shape[1] :], bias)
    y = y @ weights(units) + weights(1)
    assert weights.at == weights.values.size
    return y


def guitarml(content, x, knobs):
    data, state = content["model_data"], {key: np.array(value) for key, value in content["state_dict"].items()}
    y = np.column_stack([x, *(np.full(x.size, knob) for knob in knobs)])
    for number in range(data["num_layers"]):
        kernel, recurrent, one, two = (
            state[f"rec.{kind}_l{number}"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        run = torch_lstm if data["unit_type"] == "LSTM" else torch_gru
        y = run(y, kernel, recurrent, one + two if run is torch_lstm else np.stack([one, two]))
    return y @ state["lin.weight"][0] + state["lin.bias"] + data["skip"] * x


def rtneural(content, x):
    """x (time, channels), layers with weights in Keras' layouts."""
    y = x
    for layer in content["layers"]:
        weights = [np.array(one) for one in layer.get("weights", [])]
        match layer["type"]:
            case "dense" | "time-distributed-dense":
                y = y @ weights[0] + weights[1]
            case "conv1d":
                kernel = weights[0].transpose(2, 1, 0)
                y = convolve(y.T, kernel, layer["dilation"][-1], layer.get("groups", 1)).T + weights[1]
            case "lstm":
                y = torch_lstm(y, weights[0].T, weights[1].T, weights[2])
            case "gru":
                units = weights[1].shape[0]
                order = np.r_[units : 2 * units, :units, 2 * units : 3 * units]
                y = torch_gru(y, weights[0][:, order].T, weights[1][:, order].T, weights[2][:, order])
            case "batchnorm":
                gamma, beta, mean, variance = weights if len(weights) == 4 else (1, 0, *weights)
                y = (y - mean) / np.sqrt(variance + layer["epsilon"]) * gamma + beta
            case "prelu":
                y = np.where(y > 0, y, y * weights[0].reshape(-1))
        name = layer.get("activation", "") if layer["type"] not in ("lstm", "gru") else ""
        y = {"": lambda v: v, "tanh": np.tanh, "relu": FUNCTIONS["ReLU"], "sigmoid": sigmoid}[name](y)
    return y + content.get("in_skip", 0) * x
