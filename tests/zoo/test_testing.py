"""The shared tests pass what is right and find planted mistakes."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.testing import run_layer_test, run_loss_test, run_metric_test

register = keras.saving.register_keras_serializable(package="zoo_tests")
RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(6, 5, 3)).astype(np.float32)
Y_TRUE, Y_PRED = RANDOM.normal(size=(2, 7, 4)).astype(np.float32)


@register
class Good(keras.layers.Layer):
    """A trainable gain per channel, with a power."""

    def __init__(self, power=1, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def build(self, input_shape):
        self.gain = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gain")

    def call(self, inputs):
        return self.gain * inputs**self.power

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "power": self.power}


@register
class LosesArgument(Good):
    def get_config(self):
        config = super().get_config()
        del config["power"]
        return config


@register
class ChangesArgument(Good):
    def get_config(self):
        return {**super().get_config(), "power": 1}


@register
class NotJson(Good):
    def get_config(self):
        return {**super().get_config(), "power": np.int64(self.power)}


@register
class WrongShape(Good):
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)


@register
class NoGradient(Good):
    def build(self, input_shape):
        super().build(input_shape)
        self.offset = self.add_weight(shape=(), name="offset")

    def call(self, inputs):
        return super().call(inputs) + ops.stop_gradient(self.offset)


@register
class FullPrecisionOnly(Good):
    def call(self, inputs):
        return ops.cast(super().call(inputs), "float32")


@register
class ForgetsWeights(Good):
    def save_own_variables(self, store):
        pass

    def load_own_variables(self, store):
        self.gain.assign([2.0, 3.0, 4.0])


class NotRegistered(Good):
    pass


def test_good_layers_pass():
    run_layer_test(Good, {"power": 2}, INPUTS, output_shape=(6, 5, 3))
    run_layer_test(keras.layers.Conv1D, {"filters": 4, "kernel_size": 2}, INPUTS, output_shape=(6, 4, 4), tolerance=0)
    run_layer_test(keras.layers.ReLU, {}, INPUTS)


@pytest.mark.parametrize(
    ("layer", "complaint"),
    [
        (LosesArgument, "loses the argument 'power'"),
        (ChangesArgument, "gives power=1, not 2"),
        (NotJson, "not made of JSON types"),
        (WrongShape, "shape"),
        (NoGradient, "gets no gradient"),
        (FullPrecisionOnly, "mixed precision gives"),
        (ForgetsWeights, "after saving and loading"),
    ],
)
@pytest.mark.filterwarnings("ignore:Gradients do not exist for variables")
def test_planted_layer_mistakes_are_found(layer, complaint):
    with pytest.raises(AssertionError, match=complaint):
        run_layer_test(layer, {"power": 2}, INPUTS)


def test_layers_that_are_not_registered_are_found():
    with pytest.raises(AssertionError, match="NotRegistered is not registered"):
        run_layer_test(NotRegistered, {"power": 2}, INPUTS)


def test_wrong_output_shape_is_found():
    with pytest.raises(AssertionError, match=r"not \(6, 5, 1\)"):
        run_layer_test(Good, {}, INPUTS, output_shape=(6, 5, 1))


@register
class ScaledDeviation(keras.losses.Loss):
    """Mean absolute error times a factor."""

    def __init__(self, factor=1.0, reduction="sum_over_batch_size", name="scaled_deviation"):
        super().__init__(reduction=reduction, name=name)
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * ops.mean(ops.abs(y_true - y_pred), axis=-1)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@register
class MeansOverTheBatch(ScaledDeviation):
    def call(self, y_true, y_pred):
        return ops.mean(super().call(y_true, y_pred))


@register
class WrongMean(ScaledDeviation):
    def call(self, y_true, y_pred):
        return self.factor * ops.sum(ops.abs(y_true - y_pred), axis=-1) / (y_true.shape[-1] - 1)


@register
class LosesFactor(ScaledDeviation):
    def get_config(self):
        return {"name": self.name, "reduction": self.reduction}


@register
class SlightlyOff(ScaledDeviation):
    def call(self, y_true, y_pred):
        return super().call(y_true, y_pred) * (1 + 3e-6)


@register
class HalfTheGradient(ScaledDeviation):
    def call(self, y_true, y_pred):
        deviation = super().call(y_true, y_pred)
        return (deviation + ops.stop_gradient(deviation)) / 2


@register
class WithoutGradient(ScaledDeviation):
    def call(self, y_true, y_pred):
        return ops.stop_gradient(super().call(y_true, y_pred))


@register
class WrongInGraphs(ScaledDeviation):
    def call(self, y_true, y_pred):
        return super().call(y_true, y_pred) * (2.0 if y_pred.shape[0] is None else 1.0)


def scaled_deviation(y_true, y_pred):
    return 3.0 * np.abs(y_true - y_pred).mean(axis=-1)


def test_good_loss_passes():
    run_loss_test(ScaledDeviation, {"factor": 3.0}, Y_TRUE, Y_PRED, scaled_deviation)


@pytest.mark.parametrize(
    ("loss", "complaint"),
    [
        (MeansOverTheBatch, "no reduction: shape"),
        (WrongMean, "no reduction"),
        (LosesFactor, "loses the argument 'factor'"),
        (SlightlyOff, "no reduction: .* off by 3"),
        (HalfTheGradient, "gradient: .* off by"),
        (WithoutGradient, "no gradient reaches y_pred"),
        (WrongInGraphs, "in a graph whose batch has no fixed size"),
    ],
)
def test_planted_loss_mistakes_are_found(loss, complaint):
    with pytest.raises(AssertionError, match=complaint):
        run_loss_test(loss, {"factor": 3.0}, Y_TRUE, Y_PRED, scaled_deviation)


def test_gradients_of_losses_with_steps_need_not_be_tested():
    run_loss_test(HalfTheGradient, {"factor": 3.0}, Y_TRUE, Y_PRED, scaled_deviation, gradient_tolerance=None)


def test_references_must_compute_in_float64():
    def single(y_true, y_pred):
        return scaled_deviation(y_true.astype(np.float32), y_pred.astype(np.float32))

    with pytest.raises(AssertionError, match="must compute in float64, but gives float32"):
        run_loss_test(ScaledDeviation, {"factor": np.float32(3.0)}, Y_TRUE, Y_PRED, single)


@register
class ScaledMean(keras.metrics.Metric):
    """Weighted mean absolute error times a factor."""

    def __init__(self, factor=1.0, name="scaled_mean", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.factor = factor
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        error = ops.mean(ops.abs(ops.convert_to_tensor(y_true) - y_pred), axis=-1)
        weight = ops.ones_like(error) if sample_weight is None else ops.convert_to_tensor(sample_weight)
        self.total.assign_add(ops.sum(weight * error))
        self.count.assign_add(ops.sum(weight))

    def result(self):
        return self.factor * self.total / ops.maximum(self.count, 1e-9)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@register
class ForgetsReset(ScaledMean):
    def reset_state(self):
        self.total.assign(0.0)


@register
class ResetsNothing(ScaledMean):
    def reset_state(self):
        pass


@register
class MeanOfMeans(ScaledMean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        error = ops.mean(ops.abs(ops.convert_to_tensor(y_true) - y_pred), axis=-1)
        self.total.assign_add(ops.mean(error))
        self.count.assign_add(1.0)


@register
class IgnoresWeights(ScaledMean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true, y_pred)


@register
class DividesByZero(ScaledMean):
    def result(self):
        return self.factor * self.total / self.count


@register
class Unweighted(ScaledMean):
    def update_state(self, y_true, y_pred):
        super().update_state(y_true, y_pred)


@register
class UnweightedForgetsReset(Unweighted):
    def reset_state(self):
        self.count.assign(0.0)
        self.total.assign(self.total * 0.0 + 1e-9)


@register
class MetricSlightlyOff(ScaledMean):
    def result(self):
        return super().result() * (1 + 5e-6)


def scaled_mean(y_true, y_pred, weight):
    return 3.0 * np.average(np.abs(y_true - y_pred).mean(axis=-1), weights=weight)


def test_good_metric_passes():
    run_metric_test(ScaledMean, {"factor": 3.0}, Y_TRUE, Y_PRED, scaled_mean)


@pytest.mark.parametrize(
    ("metric", "complaint"),
    [
        (ForgetsReset, "weighted batches after reset_state"),
        (ResetsNothing, "after reset_state"),
        (MeanOfMeans, "uneven batches"),
        (IgnoresWeights, "uneven weighted batches"),
        (DividesByZero, "without any samples"),
        (MetricSlightlyOff, "uneven batches: .* off by"),
    ],
)
def test_planted_metric_mistakes_are_found(metric, complaint):
    with pytest.raises(AssertionError, match=complaint):
        run_metric_test(metric, {"factor": 3.0}, Y_TRUE, Y_PRED, scaled_mean)


def test_metrics_without_weights():
    def unweighted(y_true, y_pred):
        return scaled_mean(y_true, y_pred, np.ones(len(y_true)))

    run_metric_test(Unweighted, {"factor": 3.0}, Y_TRUE, Y_PRED, unweighted, weighted=False)
    with pytest.raises(AssertionError, match="after reset_state"):
        run_metric_test(UnweightedForgetsReset, {"factor": 3.0}, Y_TRUE, Y_PRED, unweighted, weighted=False)
    with pytest.raises(TypeError, match="sample_weight"):
        run_metric_test(Unweighted, {"factor": 3.0}, Y_TRUE, Y_PRED, scaled_mean)
