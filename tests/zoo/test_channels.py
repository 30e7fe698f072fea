"""Channels: the searches against the truth, the layer, pruning, and the command line."""

import keras
import numpy as np
import pytest
from mistakes import ends_with_code_2

from compiler import compile
from zoo.__main__ import main
from zoo.channels import experiment
from zoo.channels.data import NAMES, SETS, thirteen
from zoo.channels.front import crowding, front, hypervolume, ranks
from zoo.channels.network import Choose, build, inputs_of, prune
from zoo.channels.recipe import Recipe
from zoo.channels.searches import SEARCHES, Problem, brute_force, nsga2, scalar
from zoo.channels.training import costs

RANDOM = np.random.default_rng(0)
WORTH = np.array([0.9, 0.5, 0.3, 0.1, 0.0, 0.0])


def made_up(genes):
    """A loss that is known: each channel has a worth, of which the coarser resolution has nearly all."""
    share = np.array([0.0, 1.0, 0.8])[genes]
    return np.stack([2.0 - share @ WORTH, costs(genes, (3, 1))], axis=1)


def test_fronts_ranks_and_volumes():
    values = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [2.0, 3.0], [3.0, 3.0], [1.0, 3.0]])
    assert front(values).tolist() == [2, 1, 0]
    assert ranks(values).tolist() == [0, 0, 0, 1, 2, 0]
    assert hypervolume(values, (4.0, 4.0)) == 3.0 + 2.0 + 1.0
    assert hypervolume(values, (1.0, 1.0)) == 0.0
    far = crowding(values[:3], np.zeros(3, int))
    assert np.isinf(far[[0, 2]]).all() and far[1] == 2.0


def test_every_search_is_measured_against_the_true_front():
    truth = Problem(made_up, 6, 3)
    brute_force(truth, 729, 0)
    wanted = hypervolume(truth.found()[1], (2.001, 1.001))
    volumes = {}
    for name, search in SEARCHES.items():
        found = []
        for _ in range(2):
            problem = Problem(made_up, 6, 3)
            search(problem, 300, 1)
            assert len(problem.seen) <= 300
            found.append(problem.found())
        for one, again in zip(*found, strict=True):
            np.testing.assert_array_equal(one, again)  # the same seed finds the same
        volumes[name] = hypervolume(found[0][1], (2.001, 1.001)) / wanted
    assert volumes["NSGA-II"] > 0.99 and volumes["greedy backward"] > 0.98
    assert max(volumes.values()) <= 1.0 + 1e-12
    assert volumes["scalar, as published"] < volumes["NSGA-II"]
    assert not truth.found()[0][:, 4:].any()  # what is worth nothing is in no choice of the front


@pytest.mark.parametrize("search", [nsga2, scalar])
def test_a_population_of_one_is_refused(search):
    with pytest.raises(ValueError, match="a population of 1 has nobody"):
        search(Problem(made_up, 6, 3), 100, 0, population=1)


def test_genes_and_losses_are_looked_at():
    problem = Problem(made_up, 6, 3)
    for genes, complaint in (([[3] * 6], "from 0 to 2"), ([[-1] * 6], "from 0 to 2"), ([[0] * 5], "population, 6")):
        with pytest.raises(ValueError, match=complaint):
            problem.values(np.array(genes))
    with pytest.raises(ValueError, match="no number"):
        Problem(lambda genes: made_up(genes) * np.nan, 6, 3).values(np.zeros((1, 6), int))
    with pytest.raises(ValueError, match="729 choices are more than 728"):
        brute_force(problem, 728, 0)


def test_channels_are_dropped_and_shrunk():
    layer = Choose((4, 2), rate=0.5)
    images, genes = RANDOM.standard_normal((3, 4, 4, 3)).astype(np.float32), np.array([[0, 1, 2]] * 3)
    fine, coarse = (keras.ops.convert_to_numpy(one) for one in layer(images, genes))
    np.testing.assert_array_equal(fine[..., 1], images[..., 1])
    assert not fine[..., [0, 2]].any() and not coarse[..., [0, 1]].any()
    np.testing.assert_allclose(coarse[:, 0, 0, 2], images[:, :2, :2, 2].mean(axis=(1, 2)), rtol=1e-5)
    drawn = [
        keras.ops.convert_to_numpy(one)
        for one in layer(np.ones((2_000, 4, 4, 3), np.float32), np.ones((2_000, 3), int), training=True)
    ]
    assert (
        np.mean(drawn[0][:, 0, 0])
        == pytest.approx(0.25, abs=0.03)
        == pytest.approx(np.mean(drawn[1][:, 0, 0]), abs=0.03)
    )
    again = Choose.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    with pytest.raises(ValueError, match="each must divide"):
        Choose((4, 3))
    with pytest.raises(ValueError, match="from 0 to below 1"):
        Choose((4, 2), rate=1.0)


def test_thirteen_channels_of_known_worth():
    rgb = RANDOM.random((5, 8, 8, 3)).astype(np.float32)
    channels = thirteen(rgb, 0)
    assert channels.shape == (5, 8, 8, len(NAMES))
    np.testing.assert_allclose(channels[..., 3], rgb.mean(-1), rtol=1e-6)
    assert (channels[..., 12] == 1.0).all()
    np.testing.assert_array_equal(np.sort(channels[..., 9].ravel()), np.sort(channels[..., 3].ravel()))


def test_a_pruned_network_is_the_masked_one_and_compiles(tmp_path):
    model = build((3, 1), 4, 6, rate=0.5, filters=4, seed=0)
    images = RANDOM.standard_normal((5, 3, 3, 4)).astype(np.float32)
    shared = model.get_layer("trunk")
    for name in ("first", "second"):  # biases that are not 0, so that an empty resolution counts
        kernel, bias = shared.get_layer(name).get_weights()
        shared.get_layer(name).set_weights([kernel, bias + RANDOM.standard_normal(bias.shape)])
    for genes in ([1, 0, 2, 0], [0, 0, 0, 2], [1, 1, 1, 1]):
        genes = np.array(genes)
        masked = model.predict([images, np.tile(genes, (5, 1))], verbose=0)
        pruned, given = prune(model, genes), inputs_of(genes, images, (3, 1))
        found = pruned.predict(given if len(given) > 1 else given[0], verbose=0)
        np.testing.assert_allclose(found, masked, atol=1e-5)
        kept = [one.shape[-1] for one in pruned.inputs]
        assert sum(kept) == np.count_nonzero(genes)
    pruned, given = prune(model, np.array([1, 0, 2, 0])), inputs_of(np.array([1, 0, 2, 0]), images, (3, 1))
    pruned.save(tmp_path / "pruned.keras")
    build_ = compile(tmp_path / "pruned.keras", target="mcu", out=tmp_path / "out")
    masked = model.predict([images, np.tile([1, 0, 2, 0], (5, 1))], verbose=0)
    names = [one.name for one in pruned.inputs]
    found = np.stack([build_.run(dict(zip(names, (one[i] for one in given), strict=True))) for i in range(5)])
    np.testing.assert_allclose(found.reshape(5, 6), masked, atol=1e-5)
    for genes, complaint in (([0] * 4, "leaves no network"), ([3, 0, 0, 0], "from 0 to 2"), ([1], "are not 4 numbers")):
        with pytest.raises(ValueError, match=complaint):
            prune(model, np.array(genes))


def test_train_evaluate_and_show(tmp_path, capsys):
    lines = []
    recipe = Recipe(epochs=2, filters=4, seeds=1, evaluations=40, population=10, judged=50, tuning=1)
    experiment.train(out=tmp_path, data="stand-in", recipe=recipe, report=lines.append)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["channels.keras", "channels.png", *(f"pruned-{i}.keras" for i in range(3)), "results.json"]
    assert main(["evaluate", "channels", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("NSGA-II", "all choices", "k-NN on pixels", "trained anew", "no green"))
    before = (tmp_path / "channels.png").read_bytes()
    assert main(["show", "channels", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "channels.png").read_bytes() == before
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "channels", "--out", str(tmp_path)])
    assert ended.value.code == 2 and "results.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("train channels --data stand-in --population 1", "a population of 1 has nobody"),
        ("train channels --data stand-in --evaluations 5", "5 evaluations are fewer"),
        ("train channels --data stand-in --dropout 1.5", "dropout must be between 0 and 1"),
        ("train channels --data stand-in --batch-size 1000", "a batch of 1000 is larger than the set of 450"),
        ("train channels", "set ZOO_DATA to a folder that holds landsat.npz"),
        ("evaluate channels", "python -m zoo train channels"),
    ],
)
def test_mistakes_end_with_code_2_and_say_what_is_wrong(words, complaint, capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    ends_with_code_2(words, complaint, capsys, tmp_path, monkeypatch)


def test_the_stand_in_has_the_shape_of_the_data():
    data = SETS["stand-in"]()
    assert data.train[0].shape[1:] == (3, 3, 4) and data.sides == (3, 1) and data.classes == 6
