"""Keras archives written by hand: what no Keras would save, or what it saves of models of one line."""

import io
import json
import zipfile

import h5py
import numpy as np

INPUT = {"class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": "in"}, "name": "in"}


def ref(name, node=0):
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, node, 0]}}


def layer(class_name, name, *sources, **config):
    """An entry of a functional model's list, called once on each of the sources."""
    nodes = [{"args": [source], "kwargs": {}} for source in sources]
    config = {"name": name, "trainable": True, **config}
    return {"class_name": class_name, "config": config, "name": name, "inbound_nodes": nodes}


def model(*layers, output, name="m"):
    body = {"name": name, "layers": [INPUT, *layers], "input_layers": ["in", 0, 0], "output_layers": output}
    return {"class_name": "Functional", "config": body}


def dense(name="d", source="in"):
    return layer("Dense", name, ref(source), units=3)


DENSE = model(dense(), output=["d", 0, 0])


def archive(path, config, fill=None, compression=zipfile.ZIP_STORED):
    """A .keras of a configuration, and of weights that `fill` puts into the group of the layer `d`."""
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        variables = file.create_group("layers/dense/vars")
        (fill or fill_dense)(variables)
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("config.json", config if isinstance(config, str | bytes) else json.dumps(config))
        file.writestr("model.weights.h5", weights.getvalue())


def fill_dense(variables):
    variables["0"] = np.ones((4, 3), "f4")
    variables["1"] = np.ones(3, "f4")
