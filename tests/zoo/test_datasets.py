"""Where image data comes from, and what is said when it comes from nowhere."""

import numpy as np
import pytest

from zoo import datasets


def save_cifar(folder, **changes):
    arrays = {
        "x_train": np.zeros((3, 32, 32, 3), np.uint8),
        "y_train": np.array([[0], [1], [9]]),
        "x_test": np.ones((2, 32, 32, 3), np.uint8),
        "y_test": np.array([2, 3]),
    }
    np.savez(folder / "cifar10.npz", **{k: v for k, v in {**arrays, **changes}.items() if v is not None})


def test_zoo_data_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    save_cifar(tmp_path)
    images = datasets.cifar10()
    assert images.x_train.shape == (3, 32, 32, 3)
    assert images.y_train.tolist() == [0, 1, 9] and images.y_test.tolist() == [2, 3]
    assert "ZOO_DATA" in images.origin
    assert images.classes[9] == "truck"


def test_a_file_without_labels_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    save_cifar(tmp_path, y_train=None)
    with pytest.raises(ValueError, match=r"cifar10\.npz has no y_train"):
        datasets.cifar10()


def test_files_that_were_cut_short_are_refused(tmp_path, monkeypatch):
    import gzip

    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    save_cifar(tmp_path)
    with gzip.open(tmp_path / "embedding_test_set.npy.gz", "wb") as packed:
        np.save(packed, np.random.default_rng(0).normal(size=(2, 11, 4, 4, 3)))
    for name, load in (
        ("cifar10.npz", datasets.cifar10),
        ("embedding_test_set.npy.gz", datasets.embedding_test_set),
    ):
        whole = (tmp_path / name).read_bytes()
        for length in (0, 10, len(whole) // 2, len(whole) - 5):
            (tmp_path / name).write_bytes(whole[:length])
            with pytest.raises(ValueError, match=f"{name} is damaged"):
                load()


def test_pickled_data_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    save_cifar(tmp_path, x_test=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        datasets.cifar10()


def test_without_a_network_the_message_says_what_to_do(tmp_path, monkeypatch):
    import keras

    def offline():
        raise Exception("URL fetch failure")

    monkeypatch.setenv("ZOO_DATA", str(tmp_path))  # empty
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", offline)
    with pytest.raises(ValueError, match="set ZOO_DATA to a folder"):
        datasets.cifar10()


def test_digits_need_nothing():
    images = datasets.digits()
    assert images.x_train.shape == (1437, 16, 16, 3) and images.x_train.dtype == np.uint8
    assert images.x_train.max() == 255
    assert set(images.y_test) == set(range(10))
    again = datasets.digits()
    assert np.array_equal(images.x_test, again.x_test)


def test_the_embedding_test_set_is_checked(tmp_path, monkeypatch):
    import gzip

    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="matpalm/shared_data"):
        datasets.embedding_test_set()
    for shape, fits in [((2, 11, 4, 4, 3), True), ((2, 10, 4, 4, 3), False)]:
        with gzip.open(tmp_path / "embedding_test_set.npy.gz", "wb") as packed:
            np.save(packed, np.zeros(shape))
        if fits:
            assert datasets.embedding_test_set().dtype == np.float32
        else:
            with pytest.raises(ValueError, match=r"\(2, 10, 4, 4, 3\)"):
                datasets.embedding_test_set()
