"""Pictures of neighbours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zoo.metric_learning.index import Index, Neighbours

Array = np.ndarray

QUERY, RIGHT, WRONG = (110, 110, 110), (30, 150, 60), (205, 40, 40)
"""Frames: around the query, around neighbours of its class, and around others."""

_SIDE, _FRAME, _GAP, _HEAD = 64, 4, 6, 26


def one_of_each_class(labels: Array, seed: int = 0) -> Array:
    """The number of a random sample of every class, in the order of the classes."""
    random = np.random.default_rng(seed)
    return np.array([random.choice(np.flatnonzero(labels == name)) for name in np.unique(labels)])


def neighbour_collage(
    path: Path | str,
    images: Array,
    labels: Array,
    queries: Array,
    neighbours: Neighbours,
    classes: Sequence[str],
) -> None:
    """Draws a row for each query: its class, itself, and its neighbours, framed green if of its class, else red.

    Args:
        path: the file to write, .png.
        images: (n, height, width, 3), uint8: what the numbers in `neighbours` count.
        labels: (n,).
        queries: (rows,), which of the images are asked for.
        neighbours: of the queries, row by row.
        classes: a name for each label.
    """
    rows, columns = neighbours.numbers.shape
    font = ImageFont.load_default(13)
    names = 3 * _GAP + int(max(font.getlength(name) for name in classes))
    step = _SIDE + 2 * _FRAME + _GAP
    left = names + step + 2 * _GAP
    sheet = Image.new("RGB", (left + columns * step + _GAP, _HEAD + rows * step + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((names, _HEAD // 2), "query", fill="black", font=font, anchor="lm")
    draw.text((left, _HEAD // 2), "neighbours, nearest first", fill="black", font=font, anchor="lm")

    def put(image: Array, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
        draw.rectangle((*at, at[0] + _SIDE + 2 * _FRAME - 1, at[1] + _SIDE + 2 * _FRAME - 1), fill=colour)
        tile = Image.fromarray(image).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
        sheet.paste(tile, (at[0] + _FRAME, at[1] + _FRAME))

    for row, query in enumerate(queries):
        top = _HEAD + row * step
        draw.text((_GAP, top + step // 2), classes[labels[query]], fill="black", font=font, anchor="lm")
        put(images[query], (names, top), QUERY)
        for column, number in enumerate(neighbours.numbers[row]):
            right = labels[number] == labels[query]
            put(images[number], (left + column * step, top), RIGHT if right else WRONG)
    sheet.save(path)


def neighbour_confusion(path: Path | str, index: Index, classes: Sequence[str], k: int = 10) -> Array:
    """Draws how often the k nearest others of a class are of each class.

    Args:
        path: the file to write, .png.
        index: labels from 0 to len(classes) - 1.
        classes: a name for each label.
        k: neighbours of each.

    Returns:
        (classes, classes): row i, how the neighbours of class i divide; rows add up to 1.
    """
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    found = index.neighbours_of_each_other(k).labels
    matrix = confusion_matrix(
        np.repeat(index.labels, k), found.reshape(-1), labels=np.arange(len(classes)), normalize="true"
    )
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.add_subplot()
    display = ConfusionMatrixDisplay(matrix, display_labels=list(classes))
    display.plot(ax=axes, cmap="Blues", xticks_rotation=45, values_format=".2f", colorbar=False)
    axes.set(xlabel=f"class of the {k} nearest neighbours", ylabel="class of the query")
    figure.savefig(path, dpi=110)
    return matrix
