"""The index, the pictures and the table."""

import json

import numpy as np
import pytest
from PIL import Image

from zoo.metric_learning.evaluation import COLUMNS, pixel_embeddings, retrieval_scores, table
from zoo.metric_learning.index import Index
from zoo.metric_learning.picture import RIGHT, WRONG, neighbour_collage, neighbour_confusion, one_of_each_class

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(30, 4)).astype(np.float32)
LABELS = RANDOM.integers(0, 3, 30).astype(np.int32)
QUERIES = RANDOM.normal(size=(7, 4)).astype(np.float32)


def filled(metric="cosine"):
    index = Index(metric)
    index.add(X[:11], LABELS[:11])
    index.add(X[11:], LABELS[11:])
    return index


def brute_force(metric, queries, k, own=False):
    x, q = X.astype(np.float64), queries.astype(np.float64)
    if metric == "cosine":
        d = 1 - (q / np.linalg.norm(q, axis=1)[:, None]) @ (x / np.linalg.norm(x, axis=1)[:, None]).T
    else:
        d = np.array([[np.sqrt(((a - b) ** 2).sum()) for b in x] for a in q])
    if own:
        np.fill_diagonal(d, np.inf)
    numbers = np.argsort(d, axis=1)[:, :k]
    return np.take_along_axis(d, numbers, axis=1), numbers


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_lookup_is_exact_before_and_after_saving(metric, tmp_path):
    index = filled(metric)
    index.save(tmp_path / "deep" / "index")
    for one in (index, Index.load(tmp_path / "deep" / "index")):
        assert len(one) == 30 and one.metric == metric
        found = one.lookup(QUERIES, 5)
        distances, numbers = brute_force(metric, QUERIES, 5)
        assert np.array_equal(found.numbers, numbers)
        assert np.allclose(found.distances, distances, atol=1e-6)
        assert np.array_equal(found.labels, LABELS[numbers])
        others = one.neighbours_of_each_other(6)
        assert np.array_equal(others.numbers, brute_force(metric, X, 6, own=True)[1])
    index.add(QUERIES[:1], [2])  # after a lookup
    assert index.lookup(QUERIES[:1], 1).numbers.tolist() == [[30]]


def test_equal_embeddings_are_neighbours_of_each_other():
    index = Index()
    index.add(np.ones((6, 2)), np.arange(6))
    numbers = index.neighbours_of_each_other(3).numbers
    assert numbers.shape == (6, 3) and not (numbers == np.arange(6)[:, None]).any()


def test_a_damaged_index_is_refused_and_pickles_are_not_run(tmp_path):
    with pytest.raises(ValueError, match=r"holds no index: there is no index\.json"):
        Index.load(tmp_path)
    filled().save(tmp_path)
    whole = (tmp_path / "index.npz").read_bytes()
    for length in (0, 40, len(whole) // 2, len(whole) - 5):
        (tmp_path / "index.npz").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is damaged"):
            Index.load(tmp_path)
    about = tmp_path / "index.json"
    text = about.read_text()
    for changed in ({"metric": "hamming"}, {"format": 2}, {"count": 31}):
        about.write_text(json.dumps({**json.loads(text), **changed}))
        with pytest.raises(ValueError, match="is damaged"):
            Index.load(tmp_path)
    about.write_text(text)
    np.savez(tmp_path / "index.npz", embeddings=np.array([{"a": 1}], dtype=object), labels=LABELS)
    with pytest.raises(ValueError, match="allow_pickle"):
        Index.load(tmp_path)
    (tmp_path / "index.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is damaged"):
        Index.load(tmp_path)
    (tmp_path / "index.npz").unlink()
    with pytest.raises(ValueError, match=r"there is no index\.npz"):
        Index.load(tmp_path)


@pytest.mark.parametrize(
    ("do", "message"),
    [
        (lambda index: Index("hamming"), "cosine or euclidean"),
        (lambda index: index.add(X, LABELS[:3]), "do not go together"),
        (lambda index: index.add(X[:, :2], LABELS), "holds 4 dimensions, not 2"),
        (lambda index: index.add(X * np.nan, LABELS), "not finite"),
        (lambda index: index.lookup(QUERIES, 31), "an index of 30 has no 31 nearest"),
        (lambda index: index.lookup(QUERIES[:, :3]), "in an index of 4 dimensions"),
        (lambda index: index.neighbours_of_each_other(30), "no 30 nearest others"),
        (lambda index: Index().lookup(QUERIES), "an index of 0"),
    ],
)
def test_what_makes_no_sense_is_refused(do, message):
    with pytest.raises(ValueError, match=message):
        do(filled())


def test_the_collage_frames_neighbours_by_class(tmp_path):
    images = np.repeat(np.arange(30, dtype=np.uint8)[:, None, None, None] * 8, 8, axis=1).repeat(8, 2).repeat(3, 3)
    queries = one_of_each_class(LABELS)
    assert LABELS[queries].tolist() == [0, 1, 2]
    found = filled().lookup(X[queries], 4)
    neighbour_collage(tmp_path / "a.png", images, LABELS, queries, found, ("first", "second", "third"))
    with Image.open(tmp_path / "a.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    tile = 72 * 72 - 64 * 64  # pixels of one frame
    right = int((found.labels == LABELS[queries][:, None]).sum())
    assert 0 < right < 12
    assert (pixels == RIGHT).all(axis=2).sum() == right * tile
    assert (pixels == WRONG).all(axis=2).sum() == (12 - right) * tile
    shown = {int(row[0]) for row in pixels.reshape(-1, 3) if row[0] == row[1] == row[2]}
    assert {int(n) * 8 for n in [*queries, *found.numbers.ravel()]} <= shown


def test_the_confusion_of_neighbours_is_counted(tmp_path):
    matrix = neighbour_confusion(tmp_path / "c.png", filled(), ("a", "b", "c"), k=3)
    wanted = np.zeros((3, 3))
    for query, row in enumerate(brute_force("cosine", X, 3, own=True)[1]):
        for number in row:
            wanted[LABELS[query], LABELS[number]] += 1
    assert np.allclose(matrix, wanted / wanted.sum(axis=1, keepdims=True))
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.size[0] > 500


def test_scores_and_their_table():
    scores = retrieval_scores(X, LABELS)
    numbers = brute_force("cosine", X, 29, own=True)[1]
    hits = LABELS[numbers] == LABELS[:, None]
    assert scores["R@1"] == pytest.approx(hits[:, 0].mean())
    assert scores["R@5"] == pytest.approx(hits[:, :5].any(axis=1).mean())
    assert scores["P@10"] == pytest.approx(hits[:, :10].mean())
    worse = {name: value / 2 for name, value in scores.items()}
    text = table({"one": worse, "the other": (scores, worse)}, "what")
    lines = text.split("\n")
    assert lines[0].split() == ["what", *COLUMNS]
    assert "*" not in lines[1] and lines[2].count("*") == len(COLUMNS)
    assert f"{scores['R@1']:.4f} +- {worse['R@1']:.4f}*" in lines[2]


def test_pixels_are_centred():
    images = RANDOM.integers(0, 256, (5, 2, 2, 3)).astype(np.uint8)
    flat = pixel_embeddings(images)
    assert flat.shape == (5, 12) and np.allclose(flat.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(flat[1] - flat[0], (images[1].astype(float) - images[0]).reshape(-1) / 255, atol=1e-6)
