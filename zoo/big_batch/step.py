"""One step of training: in one piece, accumulated from parts, or on several devices.

Parts need not be of one size. Each gives the sum of its losses over the number of all samples, so that the sum over
parts is the mean over samples; a mean of the parts' means would weigh samples in small parts more.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Array = np.ndarray
Step = Callable[[Any, Any], Any]
"""From a batch to its mean loss; the model has then taken a step."""


def make_devices(count: int) -> None:
    """As many logical devices, which share the processor.

    Raises:
        ValueError: TensorFlow has already run in this process with fewer.
    """
    processor = tf.config.list_physical_devices("CPU")[0]
    with contextlib.suppress(RuntimeError):
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * count)
    there = len(tf.config.list_logical_devices("CPU"))
    if there < count:
        raise ValueError(f"this process has {there} devices, not {count}: they are made before anything is computed")


def edges(count: int, parts: int) -> list[int]:
    """Where parts of nearly equal size begin and end.

    Raises:
        ValueError: more parts than samples.
    """
    if not 1 <= parts <= count:
        raise ValueError(f"{parts} parts or devices cannot share {count} samples: each needs one at least")
    return [round(count * index / parts) for index in range(parts + 1)]


def gradients(model: keras.Model, x: Any, y: Any, count: Any) -> tuple[Any, list[Any]]:
    """The losses of a part over the number of all samples, and its gradients."""
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x, training=True))
        loss = tf.reduce_sum(losses) / tf.cast(count, losses.dtype)
    return loss, tape.gradient(loss, model.trainable_variables)


def accumulated(model: keras.Model, optimizer: keras.optimizers.Optimizer, cuts: Sequence[int] = ()) -> Step:
    """A step whose batch is cut there, the parts' gradients being added up; without cuts, in one piece."""
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        count, total, loss = tf.shape(x)[0], None, 0.0
        ends = [*cuts, count]
        for begin, end in zip([0, *cuts], ends, strict=True):
            part, found = gradients(model, x[begin:end], y[begin:end], count)
            total = found if total is None else [one + other for one, other in zip(total, found, strict=True)]
            loss += part
        optimizer.apply(total, model.trainable_variables)
        return loss

    return step


def parallel(
    build: Callable[[], tuple[keras.Model, keras.optimizers.Optimizer]], devices: int
) -> tuple[keras.Model, keras.optimizers.Optimizer, Step]:
    """A model and its optimizer, both replicated on devices, and the step that shares a batch among them.

    Keras' optimizer adds up the gradients of the replicas.

    Raises:
        ValueError: there are not so many devices; when it steps, a batch with fewer samples than devices.
    """
    names = [f"CPU:{index}" for index in range(devices)]
    if len(tf.config.list_logical_devices("CPU")) < devices:
        raise ValueError(f"this process has not {devices} devices: they are made before anything is computed")
    strategy = tf.distribute.MirroredStrategy(names, cross_device_ops=tf.distribute.ReductionToOneDevice())
    with strategy.scope():
        model, optimizer = build()
        optimizer.build(model.trainable_variables)

    def replica(x: tf.Tensor, y: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        loss, found = gradients(model, x, y, count)
        optimizer.apply(found, model.trainable_variables)
        return loss

    @tf.function(reduce_retracing=True)
    def shared(x: Any, y: Any, count: Any) -> tf.Tensor:
        losses = strategy.run(replica, (x, y, count))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    def step(x: Any, y: Any) -> tf.Tensor:
        cut = edges(len(x), devices)

        def parts(whole: Any) -> Any:
            def own(context: Any) -> tf.Tensor:
                index = context.replica_id_in_sync_group
                return tf.convert_to_tensor(whole[cut[index] : cut[index + 1]])

            return strategy.experimental_distribute_values_from_function(own)

        return shared(parts(x), parts(y), tf.constant(len(x)))

    return model, optimizer, step
