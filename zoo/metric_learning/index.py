"""A nearest-neighbour index."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors

from zoo.archives import read_arrays

Array = np.ndarray

_ABOUT, _ARRAYS = "index.json", "index.npz"
_FORMAT = 1


class Neighbours(NamedTuple):
    """What `Index.lookup` finds: row i belongs to query i, nearest first.

    Attributes:
        distances: (queries, k), float32.
        numbers: (queries, k), int64: the order in which the neighbours were added, from 0.
        labels: (queries, k), int32.
    """

    distances: Array
    numbers: Array
    labels: Array


class Index:
    """Embeddings with labels, to be looked up by their distance. Exact: scikit-learn compares with every one of them.

    Args:
        metric: "cosine" or "euclidean".
    """

    def __init__(self, metric: str = "cosine") -> None:
        if metric not in ("cosine", "euclidean"):
            raise ValueError(f"the metric is cosine or euclidean, not {metric!r}")
        self.metric = metric
        self._embeddings: list[Array] = []
        self._labels: list[Array] = []
        self._search: NearestNeighbors | None = None

    def __len__(self) -> int:
        """Embeddings in the index."""
        return sum(map(len, self._labels))

    @property
    def embeddings(self) -> Array:
        """(n, dimension), float32, in the order in which they were added."""
        return np.concatenate(self._embeddings) if self._embeddings else np.zeros((0, 0), np.float32)

    @property
    def labels(self) -> Array:
        """(n,), int32, in the same order."""
        return np.concatenate(self._labels) if self._labels else np.zeros(0, np.int32)

    def add(self, embeddings: Array, labels: Array) -> None:
        """Adds embeddings, (n, dimension), with their class numbers, (n,).

        Raises:
            ValueError: shapes that do not go together, or numbers that are not finite.
        """
        embeddings, labels = np.asarray(embeddings, np.float32), np.asarray(labels, np.int32).reshape(-1)
        if embeddings.ndim != 2 or len(embeddings) != len(labels):
            raise ValueError(f"embeddings {embeddings.shape} and labels {labels.shape} do not go together")
        if self._embeddings and embeddings.shape[1] != self._embeddings[0].shape[1]:
            raise ValueError(f"the index holds {self._embeddings[0].shape[1]} dimensions, not {embeddings.shape[1]}")
        if not np.isfinite(embeddings).all():
            raise ValueError("an embedding is not finite")
        if len(labels):
            self._embeddings.append(embeddings)
            self._labels.append(labels)
            self._search = None

    def lookup(self, queries: Array, k: int = 5) -> Neighbours:
        """The k nearest embeddings of each query, (n, dimension).

        Raises:
            ValueError: queries of another dimension, or fewer than k embeddings in the index.
        """
        if not 1 <= k <= len(self):
            raise ValueError(f"an index of {len(self)} has no {k} nearest")
        queries = np.asarray(queries, np.float32)
        dimension = self._embeddings[0].shape[1]
        if queries.ndim != 2 or queries.shape[1] != dimension:
            raise ValueError(f"queries of shape {queries.shape} in an index of {dimension} dimensions")
        if self._search is None:
            self._search = NearestNeighbors(metric=self.metric, algorithm="brute").fit(self.embeddings)
        distances, numbers = self._search.kneighbors(queries, n_neighbors=k)
        return Neighbours(distances.astype(np.float32), numbers, self.labels[numbers])

    def neighbours_of_each_other(self, k: int = 5) -> Neighbours:
        """The k nearest others of each embedding in the index.

        Raises:
            ValueError: fewer than k others.
        """
        if not 1 <= k < len(self):
            raise ValueError(f"an index of {len(self)} has no {k} nearest others")
        found = self.lookup(self.embeddings, k + 1)
        others = found.numbers != np.arange(len(self))[:, None]
        # Of several equal embeddings, itself may not be among the first; then the last one found goes.
        others[others.all(axis=1), -1] = False
        return Neighbours(*(array[others].reshape(len(self), k) for array in found))

    def save(self, folder: Path | str) -> None:
        """Writes index.json and index.npz into a folder, made when missing."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / _ARRAYS, embeddings=self.embeddings, labels=self.labels)
        about = {"format": _FORMAT, "metric": self.metric, "count": len(self)}
        (folder / _ABOUT).write_text(json.dumps(about, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path | str) -> "Index":
        """An index as `save` wrote it. Runs nothing that it reads.

        Raises:
            ValueError: no index there, or a damaged one.
        """
        folder = Path(folder)
        try:
            about = json.loads((folder / _ABOUT).read_text())
            held = read_arrays(folder / _ARRAYS)
            if about["format"] != _FORMAT:
                raise ValueError(f"format {about['format']}")
            index = cls(about["metric"])
            index.add(held["embeddings"], held["labels"])
            if len(index) != about["count"]:
                raise ValueError(f"{len(index)} embeddings instead of {about['count']}")
        except FileNotFoundError as error:
            raise ValueError(f"{folder} holds no index: there is no {Path(error.filename).name}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"the index in {folder} is damaged: {error}") from error
        return index
