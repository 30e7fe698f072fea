"""How good a set of embeddings is, beside the pixels themselves."""

from collections.abc import Mapping

import keras
import numpy as np

from zoo.metric_learning.metrics.retrieval import MeanAveragePrecisionAtR, PrecisionAtK, RecallAtK, RPrecision
from zoo.tables import aligned, mean_and_spread

Array = np.ndarray
Scores = dict[str, float]

COLUMNS = ("R@1", "R@5", "P@10", "R-prec", "MAP@R")
PIXELS = "raw pixels + k-NN"
BATCH = 500


def retrieval_scores(embeddings: Array, labels: Array) -> Scores:
    """Every column of the table, each sample a query against all others by cosine.

    Args:
        embeddings: (n, dimension).
        labels: (n,).
    """
    metrics = (RecallAtK(1, len(labels)), RecallAtK(5, len(labels)), PrecisionAtK(10, len(labels)))
    metrics += (RPrecision(len(labels)), MeanAveragePrecisionAtR(len(labels)))
    for start in range(0, len(labels), BATCH):
        for metric in metrics:
            metric.update_state(labels[start : start + BATCH], embeddings[start : start + BATCH])
    return {name: float(metric.result()) for name, metric in zip(COLUMNS, metrics, strict=True)}


def embed(model: keras.Model, images: Array) -> Array:
    """Embeddings of (n, height, width, channels) images, (n, dimension), float32."""
    return np.asarray(model.predict(images, batch_size=BATCH, verbose=0), np.float32)


def pixel_embeddings(images: Array) -> Array:
    """The plain baseline: all pixels in a row, less the mean of each over all images, which cosines need."""
    flat = images.reshape(len(images), -1).astype(np.float32) / 255
    return flat - flat.mean(axis=0)


def table(rows: Mapping[str, Scores | tuple[Scores, Scores]], caption: str = "") -> str:
    """Scores as text, the best of each column marked with a star.

    Args:
        rows: by name, scores; or their means and standard deviations, NaN where there is none.
        caption: the head of the first column.
    """
    cells = {name: row if isinstance(row, tuple) else (row, None) for name, row in rows.items()}
    best = {column: max(mean[column] for mean, _ in cells.values()) for column in COLUMNS}
    rows = [
        [name]
        + [
            mean_and_spread(mean[column], deviation and deviation[column], 4)
            + ("*" if mean[column] == best[column] else " ")
            for column in COLUMNS
        ]
        for name, (mean, deviation) in cells.items()
    ]
    spread = any(deviation is not None for _, deviation in cells.values())
    return aligned([[caption, *(f"{column} " for column in COLUMNS)], *rows], least=19 if spread else 10, gap=0)
