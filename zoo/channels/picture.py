"""One page: choices with the fronts that searches found, the channels at each resolution, what dropping one costs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.drawing import GREY, INK, RULE, save, sheet, unframe

Array = np.ndarray
COLOURS = ("#d9622b", "#174a7c", "#5aa469", "#b8892b", "#7b4a9c", "#1d2733")


def page(
    path: Path,
    scattered: Array,
    fronts: Mapping[str, Array],
    images: Sequence[Array],
    names: Sequence[str],
    dropped: Mapping[str, Sequence[float]],
) -> None:
    """Writes the page as a PNG.

    Args:
        path: file to write.
        scattered: loss and cost of random choices, (n, 2).
        fronts: by search, the same of its front.
        images: one image at each resolution, (side, side, channels).
        names: of the channels.
        dropped: by network, accuracy with all channels and then without each of them.
    """
    count = len(names)
    figure = sheet(15.0, 5.0 + 1.1 * len(images), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(4.6, 0.4 + 1.1 * len(images)))
    left, right = above.subplots(1, 2)
    left.scatter(scattered[:, 1], scattered[:, 0], s=5, color=GREY, label="random choices")
    for (name, values), colour in zip(fronts.items(), COLOURS, strict=False):
        left.plot(values[:, 1], values[:, 0], "o-", color=colour, linewidth=1.1, markersize=3, label=name)
    left.set_title("loss by cost, and the front of each search", loc="left", fontsize=11, color=INK)
    left.legend(frameon=False, fontsize=8, labelcolor=INK)
    width = 0.8 / len(dropped)
    for index, ((name, values), colour) in enumerate(zip(dropped.items(), COLOURS, strict=False)):
        right.bar(np.arange(len(values)) + index * width, values, width, color=colour, label=name)
    right.set_xticks(np.arange(count + 1) + 0.4, ["all", *names], rotation=45, ha="right")
    right.set_title("accuracy without a channel", loc="left", fontsize=11, color=INK)
    right.legend(frameon=False, fontsize=8, labelcolor=INK)
    for axis in (left, right):
        axis.grid(color=RULE, linewidth=0.6)
        unframe(axis)
    fields = below.subplots(len(images), count, squeeze=False)
    for row, image in zip(fields, images, strict=True):
        for channel, axis in enumerate(row):
            axis.imshow(image[..., channel], cmap="gray", interpolation="nearest")
            axis.set_axis_off()
            if row is fields[0]:
                axis.set_title(names[channel], fontsize=7, color=INK)
    save(figure, path)
