"""Trained ensembles: what a step computes, what an answer is, and that files come back."""

import keras
import numpy as np
import pytest

from zoo.ensembles.logit_ensemble import LogitEnsemble
from zoo.ensembles.members import split
from zoo.ensembles.stacked import Stacked
from zoo.testing import run_model_test

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(12, 4)).astype(np.float32)
Y = RANDOM.integers(3, size=12)
LOSS = {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "metrics": ["accuracy"]}


def ensemble(learn, members=3):
    values = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="tanh")(values)
    return LogitEnsemble(
        Stacked(keras.Model(values, keras.layers.Dense(3)(hidden)), members, seed=1), learn=learn, seed=2
    )


def numpy_logits(model):
    """Logits of each member, (M, batch, classes), in plain numpy."""
    w1, b1, w2, b2 = (v.numpy() for v in model.stack.stacked)
    return np.stack([np.tanh(X @ w1[m] + b1[m]) @ w2[m] + b2[m] for m in range(len(w1))])


def cross_entropy(logits):
    return np.mean(np.log(np.exp(logits).sum(axis=-1)) - logits[np.arange(len(Y)), Y])


@pytest.mark.parametrize("learn", ["one", "each"])
def test_shared_model_tests(learn):
    run_model_test(lambda: ensemble(learn, 2), X, Y, compile_arguments={"optimizer": "adam", **LOSS})


@pytest.mark.parametrize("learn", ["sum", "one", "each"])
def test_a_step_moves_whom_it_should(learn):
    model = ensemble(learn)
    model.compile(keras.optimizers.SGD(0.1), **LOSS)
    logits = numpy_logits(model)
    before = [v.numpy().copy() for v in model.trainable_variables]
    answer = logits.sum(0) if learn == "sum" else logits.mean(0)
    np.testing.assert_allclose(model(X), answer, atol=1e-5)
    tested = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert tested["loss"] == pytest.approx(cross_entropy(answer), abs=1e-5)
    assert tested["accuracy"] == pytest.approx(np.mean(answer.argmax(-1) == Y))
    loss = model.train_on_batch(X, Y, return_dict=True)["loss"]
    moved = [
        {m for m in range(3) if not np.array_equal(v.numpy()[m], old[m])}
        for v, old in zip(model.trainable_variables, before, strict=True)
    ]
    assert all(one == moved[0] for one in moved)
    if learn == "one":
        assert len(moved[0]) == 1
        assert loss == pytest.approx(cross_entropy(logits[moved[0].pop()]), abs=1e-5)
    else:
        assert moved[0] == {0, 1, 2}
        wanted = cross_entropy(answer) if learn == "sum" else np.mean([cross_entropy(one) for one in logits])
        assert loss == pytest.approx(wanted, abs=1e-5)


def test_every_member_has_its_turn():
    model = ensemble("one")
    model.compile(keras.optimizers.SGD(0.1), **LOSS)
    before = model.stack.stacked[0].numpy().copy()
    model.fit(X, Y, batch_size=2, epochs=5, verbose=0)
    assert all(not np.array_equal(model.stack.stacked[0].numpy()[m], before[m]) for m in range(3))


def test_each_is_training_apart():
    model = ensemble("each")
    apart = split(model.stack)
    model.compile(keras.optimizers.SGD(0.3), **LOSS)
    weight = np.linspace(0, 2, len(X)).astype(np.float32)
    model.train_on_batch(X, Y, sample_weight=weight)
    for one, together in zip(apart, split(model.stack), strict=True):
        one.compile(keras.optimizers.SGD(0.1), **LOSS)  # the stack's loss is a mean over three members
        one.train_on_batch(X, Y, sample_weight=weight)
        for a, b in zip(one.get_weights(), together.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="learn"):
        ensemble("some")
    with pytest.raises(ValueError, match="Stacked"):
        LogitEnsemble(keras.layers.Dense(3))
    values = keras.Input((4,))
    for penalty in ({"kernel_regularizer": "l2"}, {"activity_regularizer": "l1"}):
        member = keras.Model(values, keras.layers.Dense(3, **penalty)(values))
        with pytest.raises(ValueError, match="has regularizers"):
            LogitEnsemble(Stacked(member, 2))
    with pytest.raises(ValueError, match="at least one"):
        ensemble("sum", 0)
    assert ensemble("sum").compute_output_shape((None, 4)) == (None, 3)
