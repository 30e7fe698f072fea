"""`python -m zoo train | evaluate | show ood`, on digits."""

import json
import shutil

import numpy as np
import pytest

from zoo.__main__ import main
from zoo.quiet import quiet_import

with quiet_import():
    import keras

from PIL import Image

from zoo import splits
from zoo.ood.detectors.table import DETECTORS, load


def tiny(seed, classes=8):
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.AveragePooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(24, "relu", kernel_initializer=keras.initializers.HeNormal(seed)),
            keras.layers.Dense(classes, kernel_initializer=keras.initializers.HeNormal(seed + 1)),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Two classifiers in files, and a folder of detectors fitted to them."""
    folder = tmp_path_factory.mktemp("ood")
    train = splits.load("digits").train
    paths = []
    for seed in (0, 5):
        model = tiny(seed)
        model.fit(splits.pixels(train.x), train.y, epochs=8, batch_size=64, verbose=0)
        paths.append(str(folder / f"given-{seed}.keras"))
        model.save(paths[-1])
    out = folder / "out"
    assert main(["train", "ood", "--data", "digits", "--model", *paths, "--out", str(out)]) == 0
    return paths, out


def rows(text):
    """Figures by the title of their row."""
    lines = text.splitlines()
    first = next(index for index, line in enumerate(lines) if line.split()[:2] == ["AUROC", "AUPR"]) + 1
    found = {}
    for line in lines[first:]:
        if not line.strip():
            break
        words = line.split()
        found[" ".join(words[:-8])] = [float(word) for word in words[-8:]]
    return found


def test_given_classifiers_are_measured(given, capsys):
    _, out = given
    assert main(["evaluate", "ood", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    table = rows(printed)
    assert len(table) == len(DETECTORS) + 1
    assert "k-NN on pixels" in table and "ensemble" in table
    assert all(0 <= figure <= 100 for row in table.values() for figure in row)
    parts = splits.load("digits")
    accuracy = keras.models.load_model(out / "classifier-0.keras", compile=False).predict(
        splits.pixels(parts.test.x), verbose=0
    )
    assert f"{np.mean(accuracy.argmax(axis=1) == parts.test.y):.3f}" in printed
    # Digits are easy: none of the classics may come near to a coin.
    assert table["entropy"][0] > 75 and table["Mahalanobis"][0] > 75 and table["k-NN"][4] > 90
    detector = load(out / "detectors" / "entropy.npz", keras.models.load_model(out / "classifier-0.keras"))
    from zoo.ood.metrics import auroc

    hard = auroc(*(detector.score(splits.pixels(x)) for x in (parts.test.x, parts.hard)))
    assert table["entropy"][0] == pytest.approx(100 * hard, abs=0.051)


def test_the_page(given, capsys):
    _, out = given
    assert main(["show", "ood", "--out", str(out)]) == 0
    path = capsys.readouterr().out.strip()
    picture = np.asarray(Image.open(path).convert("RGB"))
    assert path.endswith("ood.png") and picture.shape[0] > 800 and picture.shape[1] > 1500
    # Something is drawn in each part of a grid: curves on top, histograms below.
    for part in np.array_split(picture, 4):
        for cell in np.array_split(part, 4, axis=1):
            assert cell.std() > 5


def test_a_classifier_is_trained_where_none_is_given(tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["train", "ood", "--data", "digits", "--members", "1", "--epochs", "3", "--out", str(out)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "classifier 1/1  epoch 3/3" in printed and "12 detectors fitted to 1,005 images" in printed
    about = json.loads((out / "about.json").read_text())
    assert about["classifiers"] == 1 and "ensemble" not in about["detectors"]
    assert sorted(path.stem for path in (out / "detectors").iterdir()) == sorted(about["detectors"])
    parts = splits.load("digits")
    model = keras.models.load_model(out / "classifier-0.keras")
    predicted = model.predict(splits.pixels(parts.train.x[:300]), verbose=0).argmax(axis=1)
    assert np.mean(predicted == parts.train.y[:300]) > 0.5  # eight classes


def test_arguments_and_files_that_make_no_sense(given, tmp_path, capsys):
    paths, out = given
    other = tmp_path / "other.keras"
    tiny(0, classes=10).save(other)
    (tmp_path / "text.keras").write_text("text")
    damaged, cut = tmp_path / "damaged", tmp_path / "cut"
    damaged.mkdir()
    (damaged / "about.json").write_text('{"data": "digits"}')
    shutil.copytree(out, cut)
    (cut / "detectors" / "ash_b.npz").write_bytes((out / "detectors" / "ash_b.npz").read_bytes()[:-9])
    for arguments, message in [
        (["evaluate", "ood", "--out", str(tmp_path)], "holds no detectors"),
        (["evaluate", "ood", "--out", str(damaged)], "about.json is damaged"),
        (["evaluate", "ood", "--out", str(cut)], "ash_b.npz holds no detector"),
        (["show", "ood", "--out", str(tmp_path)], "holds no detectors"),
        (["train", "ood", "--model", paths[0], "--members", "2"], "--members"),
        (["train", "ood", "--data", "digits", "--model", str(other), "--out", str(tmp_path)], r"(10,)"),
        (["train", "ood", "--data", "digits", "--model", str(tmp_path / "text.keras")], "holds no Keras model"),
        (["train", "ood", "--data", "digits", "--model", str(tmp_path / "absent.keras")], "holds no Keras model"),
    ]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
