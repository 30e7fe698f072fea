"""Random graphs of every operation, from a seed, for the tests of the microcontroller target."""

import numpy as np
from mcu_sketch import Sketch, gated, long_short

# Without a jump, so that a difference in the last place stays one.
SMOOTH = (
    "relu",
    "leaky_relu",
    "tanh",
    "sigmoid",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "softsign",
    "clip",
)


def random_graph(mode, seed, most=14):
    """Operations of all kinds, strung together at random; every value stays near 1."""
    net = Sketch(mode, (4, 6), (6,), seed=seed)
    random = np.random.default_rng([seed, mode == "frame"])
    pool, delayed = list(net.inputs), []
    if mode == "stream" and random.random() < 0.5:
        delayed = [net.unit_delay(4, 6)]
        pool += delayed
    for _ in range(random.integers(4, most)):
        new = _random_step(net, random, mode, pool)
        pool.append(new if random.random() < 0.5 else net.unary(new, "tanh"))
    if delayed:
        fitting = [value for value in pool[3:] if value.size == 24] or [
            net.matmul(net.reshape(pool[-1], pool[-1].size), 24)
        ]
        net.feed(delayed[0], net.unary(net.reshape(fitting[-1], 4, 6), "tanh"))
    count = random.integers(1, 4)
    return net, net.graph(*(pool[-1 - n] for n in range(min(count, len(pool)))))


def _random_step(net, random, mode, pool):
    def pick(least=1):
        fitting = [value for value in pool if len(value.shape) >= least and value.size <= 2000]
        return fitting[random.integers(len(fitting))]

    kinds = ["matmul", "affine", "unary", "binary", "select", "reduce", "movement", "movement", "dot", "concatenate"]
    kinds += ["window", "window"] if mode == "stream" else ["convolution", "convolution", "pool", "scan"]
    x = pick()
    axis = int(random.integers(len(x.shape)))
    match str(random.choice(kinds)):
        case "matmul":
            return net.matmul(x, int(random.integers(1, 9)), axes=int(random.integers(1, len(x.shape) + 1)))
        case "affine":
            return net.affine(x)
        case "unary":
            function = str(random.choice(SMOOTH))
            return net.unary(x, function)
        case "binary":
            function = str(random.choice(["add", "subtract", "multiply", "maximum", "minimum"]))
            other = random.choice(["same", "last", "first", "scalar"])
            shape = {
                "same": x.shape,
                "last": x.shape[-1:],
                "first": (x.shape[0], *(1,) * (len(x.shape) - 1)),
                "scalar": (),
            }[str(other)]
            operands = [net.unary(x, "tanh"), net.constant(*shape)]
            return net.binary(function, *(operands if random.random() < 0.5 else operands[::-1]))
        case "select":
            return net.select(net.inputs[0], net.inputs[1], net.constant(4, 1))
        case "reduce":
            function = str(random.choice(["mean", "max", "min"]))
            return net.reduce(function, x, [axis], keepdims=len(x.shape) == 1 or random.random() < 0.5)
        case "dot":
            x = pick(2)
            return net.dot(net.unary(x, "softsign"), net.affine(x))
        case "concatenate":
            return net.concatenate([x, net.unary(x, "sigmoid"), x], axis)
        case "window":
            past = net.window(x, int(random.integers(2, 5)), int(random.integers(1, 4)), initial=random.random() < 0.5)
            return net.matmul(past, 5, axes=int(random.integers(1, len(past.shape) + 1)))
        case "convolution":
            x = pick(2)
            x = x if len(x.shape) <= 3 else net.reshape(x, x.shape[0], x.size // x.shape[0])
            axes, channels = len(x.shape) - 1, x.shape[-1]
            groups = int(random.choice([n for n in (1, 2, channels) if channels % n == 0]))
            taps = tuple(int(random.integers(1, 4)) for _ in range(axes))
            dilation = tuple(int(random.integers(1, 3)) for _ in range(axes))
            padding = tuple((int(random.integers(0, 3)), (k - 1) * d) for k, d in zip(taps, dilation, strict=True))
            strides = tuple(int(random.integers(1, 3)) for _ in range(axes))
            return net.convolution(x, groups * int(random.integers(1, 3)), taps, strides, dilation, padding, groups)
        case "pool":
            x = pick(2)
            x = x if len(x.shape) <= 3 else net.reshape(x, x.shape[0], x.size // x.shape[0])
            axes = len(x.shape) - 1
            function = str(random.choice(["max", "mean"]))
            return net.pool(function, x, (2,) * axes, (int(random.integers(1, 3)),) * axes, ((1, 1),) * axes)
        case "scan":
            x = pick(2)
            x = net.reshape(x, x.shape[0], x.size // x.shape[0])
            _, body = (gated if random.random() < 0.5 else long_short)(x.shape[1], 3, seed=int(random.integers(99)))
            return net.scan(net.unary(x, "tanh"), body, bool(random.random() < 0.5), bool(random.random() < 0.5))
    return _random_movement(net, random, x, axis)


def _random_movement(net, random, x, axis):
    rank, count = len(x.shape), x.shape[axis]
    match str(random.choice(["reshape", "transpose", "slice", "pad", "repeat", "spread"])):
        case "reshape":
            return net.reshape(x, *(n for n in (x.size // x.shape[-1], 1, x.shape[-1])))
        case "transpose":
            return net.transpose(x, *map(int, random.permutation(rank)))
        case "slice":
            start = int(random.integers(count))
            if random.random() < 0.5:
                return net.slice(x, axis, start, start + 1, -1)
            return net.slice(x, axis, start, (count - start + 1) // 2, 2)
        case "pad":
            return net.pad(x, tuple((int(random.integers(2)), int(random.integers(2))) for _ in x.shape), 0.5)
        case "repeat":
            return net.repeat(x, axis, 2)
    return net.zero_insertion(x, axis, 1)
