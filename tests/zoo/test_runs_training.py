"""Trainings that are killed and continue to the very bit; and what must not pass for the same training."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.runs import Batches, DataSet, fit
from zoo.runs.curves import read_metrics
from zoo.runs.state import read_state, read_variables, replacing, restore_variables, variables, write_state
from zoo.runs.training import BEST, LAST, PREVIOUS, locked

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
Y = X[:, :1] - X[:, 1:2]


def network(units=4, seed=0):
    """Small enough to be trained without a graph."""
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((3,)), keras.layers.Dense(units, activation="tanh"), keras.layers.Dropout(0.2)]
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), "mse", run_eagerly=True)
    return model


def short(folder, epochs, model=None, *, said=None, train=(X, Y), callbacks=(), **more):
    """A fit of a few small epochs."""
    data = DataSet(train, validation=(X[:4], Y[:4]), batch_size=6)
    report = (said if said is not None else []).append
    model = model or network()
    columns = fit(model, data, folder=folder, epochs=epochs, callbacks=callbacks, verbose=0, report=report, **more)
    return model.get_weights(), columns


def equal(weights, others):
    return all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Folder, final weights and columns of four epochs without a break."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, *short(folder, 4)


def test_killed_trainings_end_where_an_uninterrupted_one_ends(tmp_path):
    script = Path(__file__).with_name("interrupted_training.py")
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    out = json.loads(done.stdout)
    assert out["killed"]["whole"] == 0
    assert out["killed"]["mid_epoch"] == 3
    assert out["killed"]["anywhere"] >= 1
    whole = out["results"]["whole"]
    assert len(set(whole["history"]["learning_rate"])) == 4  # it falls after every third epoch
    assert whole["last"] != whole["weights"]
    for name, result in out["results"].items():
        assert result == whole, name
        written = read_metrics(tmp_path / name / "metrics.csv")
        written.pop("seconds")
        assert written == whole["history"], "a row is missing or doubled"
        assert not list((tmp_path / name).glob("*.partial"))


def test_a_training_continues_after_a_break_and_with_more_epochs(tmp_path, whole):
    said = []
    short(tmp_path, 1)
    short(tmp_path, 3, network(seed=5), said=said)  # what a new model holds does not matter
    weights, columns = short(tmp_path, 4, network(seed=6), said=said)
    assert [line.split(": ")[1] for line in said] == ["continuing after epoch 1", "continuing after epoch 3"]
    assert equal(weights, whole[1])
    assert columns["loss"] == whole[2]["loss"]
    assert columns["epoch"] == [1, 2, 3, 4]


def test_a_finished_training_is_left_alone(whole):
    said = []
    weights, columns = short(whole[0], 4, network(seed=9), said=said)
    assert equal(weights, whole[1])
    assert columns == whole[2]
    assert said == [f"{whole[0]}: finished after epoch 4"]


def test_a_stopped_training_stays_stopped_and_keeps_its_best_weights(tmp_path):
    def stop():
        return [keras.callbacks.EarlyStopping("val_loss", min_delta=1e9, restore_best_weights=True)]

    said = []
    weights, columns = short(tmp_path, 9, callbacks=stop())
    assert len(columns["loss"]) == 2
    again, _ = short(tmp_path, 9, network(seed=3), callbacks=stop(), said=said)
    assert equal(weights, again)
    assert said == [f"{tmp_path}: stopped by a callback after epoch 2"]


def test_the_best_epoch_is_kept(whole):
    best = read_state(whole[0] / BEST)
    assert best["epoch"] == 1 + np.argmin(whole[2]["val_loss"])
    assert best["best"] == min(whole[2]["val_loss"])


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, whole):
    short(tmp_path, 3)
    content = bytearray((tmp_path / LAST).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / LAST).write_bytes(content)
    said = []
    weights, columns = short(tmp_path, 4, said=said)
    assert "last.npz is damaged" in said[0]
    assert said[1] == f"{tmp_path}: continuing after epoch 2"
    assert equal(weights, whole[1])
    assert len(columns["epoch"]) == 4
    for name in (LAST, PREVIOUS):
        (tmp_path / name).write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match=r"no checkpoint in .* can be read"):
        short(tmp_path, 4)


def test_a_full_disk_loses_no_checkpoint(tmp_path, whole):
    short(tmp_path, 2)
    before = {name: (tmp_path / name).read_bytes() for name in (LAST, PREVIOUS, BEST)}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            short(tmp_path, 4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert not list(tmp_path.glob("*.partial"))
    assert equal(short(tmp_path, 4)[0], whole[1])


def test_files_are_replaced_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write(b"new, but only hal")
        assert path.read_bytes() == b"old"
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"model": lambda: network(units=5)}, r"not of this model: .* is \(.*\), but the model's is \("),
        ({"seed": 1}, "holds a training with seed 0, not 1"),
        ({"train": (X[:7], Y[:7])}, "first_batch"),
        ({"train": (X + 1, Y)}, "first_batch"),
        ({"callbacks": [keras.callbacks.EarlyStopping("loss")]}, "callbacks EarlyStopping, but began with none"),
        ({"mode": "lowest"}, '"min" or "max"'),
    ],
)
def test_another_training_cannot_pass_for_the_same(whole, change, complaint):
    before = (whole[0] / LAST).read_bytes()
    model = change.pop("model", network)()
    with pytest.raises(ValueError, match=complaint):
        short(whole[0], 5, model, **change)
    assert (whole[0] / LAST).read_bytes() == before


def test_one_process_at_a_time(tmp_path):
    with locked(tmp_path), pytest.raises(ValueError, match="another process is training in"):
        short(tmp_path, 1)
    short(tmp_path, 1)


class Counts(keras.callbacks.Callback):
    """Has a state, and says nothing of it."""

    def __init__(self):
        super().__init__()
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


class Declares(Counts):
    def get_state(self):
        return {"batches": self.batches}

    def set_state(self, state):
        self.batches = state["batches"]


def test_state_of_callbacks(tmp_path):
    with pytest.raises(ValueError, match="Counts changes its batches in training"):
        short(tmp_path / "a", 1, callbacks=[Counts()])
    short(tmp_path / "b", 1, callbacks=[Declares()])
    counter = Declares()
    short(tmp_path / "b", 3, callbacks=[counter])
    assert counter.batches == 6


class Turns(keras.utils.PyDataset):
    """Goes on from epoch to epoch by itself."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return X[:4], Y[:4]

    def on_epoch_end(self):
        self.turns = 1


class Shuffles(Turns):
    """Has an order that `epoch` does not tell."""

    epoch = 0

    def __getitem__(self, index):
        return X[getattr(self, "turns", 0) :], Y[getattr(self, "turns", 0) :]


def test_data_whose_order_cannot_be_known_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Shuffles do not follow from its `epoch` and the index alone"):
        short(tmp_path, 1, train=Shuffles())
    with pytest.raises(ValueError, match="Turns changes from epoch to epoch but has no attribute `epoch`"):
        short(tmp_path, 1, train=Turns())
    with pytest.raises(ValueError, match=r"must be \(x, y\) or a keras.utils.PyDataset, not a list_iterator"):
        short(tmp_path, 1, train=iter([X]))
    with pytest.raises(ValueError, match="there is no val_loss"):
        fit(network(), DataSet((X, Y)), folder=tmp_path, epochs=1, monitor="val_loss", verbose=0)
    with pytest.raises(ValueError, match="compiled"):
        fit(keras.Sequential([keras.layers.Dense(1)]), DataSet((X, Y)), folder=tmp_path, epochs=1)


def test_a_data_set_that_turns_by_its_epoch_is_resumed(tmp_path):
    class Alternates(Turns):
        epoch = 0

        def __getitem__(self, index):
            return X[self.epoch % 2 :: 2], Y[self.epoch % 2 :: 2]

        def on_epoch_end(self):
            self.epoch += 1

    whole, _ = short(tmp_path / "a", 3, train=Alternates())
    short(tmp_path / "b", 1, train=Alternates())
    assert equal(short(tmp_path / "b", 3, train=Alternates())[0], whole)


def test_averaged_weights_and_half_precision_are_resumed(tmp_path):
    def averaged():
        model = network()
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.AdamW(0.05, use_ema=True, ema_momentum=0.5))
        model.compile(optimizer, "mse", run_eagerly=True)
        return model

    whole, _ = short(tmp_path / "a", 3, averaged())
    short(tmp_path / "b", 1, averaged())
    assert equal(short(tmp_path / "b", 3, averaged())[0], whole)


def test_batches_are_a_function_of_seed_epoch_and_index():
    def noise(generator, x, y):
        return x + generator.normal(size=x.shape), y

    def epoch(number, seed=0):
        batches = Batches(X, Y, batch_size=5, seed=seed, augment=noise)
        batches.epoch = number
        return [batches[index] for index in range(len(batches))]

    assert [len(x) for x, _ in epoch(0)] == [5, 5, 2]
    order = np.concatenate([y for _, y in epoch(1)])
    assert np.array_equal(np.sort(order, axis=0), np.sort(Y, axis=0))  # each sample once
    for other in (epoch(2), epoch(1, seed=1)):
        assert not np.array_equal(order, np.concatenate([y for _, y in other]))
    for (x, _), (again, _) in zip(epoch(1), epoch(1), strict=True):
        assert np.array_equal(x, again)
    plain = Batches({"a": X}, Y, batch_size=12, shuffle=False)
    assert np.array_equal(plain[0][0]["a"], X)
    with pytest.raises(ValueError, match="do not make batches"):
        Batches(X, Y[:3])


def test_states_hold_every_kind_of_number(tmp_path):
    bfloat = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast([1.5, -2.0], "bfloat16")))
    state = {
        "numbers": [1, 0.1, float("inf"), None, True, "text", np.float32(0.1)],
        "arrays": {
            "a": np.arange(6, dtype=np.uint32).reshape(2, 3),
            "b": bfloat,
            "c": np.zeros((0, 2)),
            "d": np.int64(3),
        },
        "scalar": np.array(2.5, np.float32),
    }
    write_state(tmp_path / "state", state)
    back = read_state(tmp_path / "state")
    assert back["numbers"] == state["numbers"]
    assert back["arrays"]["b"].dtype == bfloat.dtype
    for name in "abc":
        assert np.array_equal(back["arrays"][name], state["arrays"][name])
        assert back["arrays"][name].shape == state["arrays"][name].shape
    assert back["scalar"].shape == ()
    assert back["scalar"] == 2.5


def test_a_changed_byte_is_noticed(tmp_path):
    write_state(tmp_path / "state", {"a": np.arange(5.0), "b": [1, 2]})
    content = (tmp_path / "state").read_bytes()
    noticed = 0
    for place in range(0, len(content), 3):
        (tmp_path / "damaged").write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            back = read_state(tmp_path / "damaged")
        except OSError:
            noticed += 1
            continue
        assert back["b"] == [1, 2]  # a byte of the archive that means nothing, such as a time
        assert np.array_equal(back["a"], np.arange(5.0))
    assert noticed > 100
    for length in range(0, len(content), 7):
        (tmp_path / "damaged").write_bytes(content[:length])
        with pytest.raises(OSError, match="damaged"):
            read_state(tmp_path / "damaged")


def test_states_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "evil.npz", state=np.array([{"a": print}], dtype=object))
    with pytest.raises(OSError, match="allow_pickle"):
        read_state(tmp_path / "evil.npz")


def test_every_variable_is_found():
    class Draws:
        """Neither a layer nor a loss, as the miner of a loss that picks at random."""

        def __init__(self):
            self.generator = keras.random.SeedGenerator(1)

        def get_config(self):
            return {}

    class Keeps(keras.losses.Loss):
        def __init__(self):
            super().__init__()
            self.memory = [keras.Variable(np.zeros(3))]
            self.helper = Draws()

        def call(self, y_true, y_pred):
            return keras.ops.mean(y_pred - y_true, axis=-1)

    model = network()
    model.compile(keras.optimizers.Adam(), Keeps())
    model.optimizer.build(model.trainable_variables)
    model.helpers = {"second": keras.optimizers.SGD(momentum=0.9)}
    model.helpers["second"].build(model.trainable_variables)
    found = {id(variable) for variable in variables(model).values()}
    wanted = [*model.variables, *model.optimizer.variables, *model.helpers["second"].variables, *model.loss.memory]
    wanted.append(model.loss.helper.generator.state)
    assert len(model.variables) > len(model.weights)  # the seed of the dropout
    assert found == {id(variable) for variable in wanted}
    values = read_variables(variables(model))
    restore_variables(variables(model), values)
    values.pop(max(values))
    with pytest.raises(ValueError, match="is missing"):
        restore_variables(variables(model), values)
