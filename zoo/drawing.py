"""What the pictures of all systems share: colours, a sheet to draw on, axes without a frame, and a PNG."""

from pathlib import Path
from typing import Any

INK, PAPER, GREY, RULE = "#1d2733", "#ffffff", "#c3c9d0", "#e6e9ec"
"""Text, background, what stands behind, and lines of a grid."""


def sheet(width: float, height: float, *, dpi: int = 120, layout: str | None = None) -> Any:
    """An empty `matplotlib.figure.Figure`.

    Args:
        width, height: inches.
        dpi: pixels an inch.
        layout: as in matplotlib.
    """
    # Not pyplot: it keeps a global list of figures and picks a backend that may want a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, facecolor=PAPER, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def unframe(axis: Any, size: float = 9) -> None:
    """Takes away frame and ticks, leaves a line below, and puts a grid behind what is drawn.

    Args:
        axis: of matplotlib.
        size: of the numbers.
    """
    axis.set_axisbelow(True)
    axis.tick_params(colors=INK, labelsize=size, length=0)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.spines["bottom"].set_color(GREY)


def save(figure: Any, path: Path) -> None:
    """Writes a PNG: the same drawing, the same bytes, whatever matplotlib's version says."""
    figure.savefig(path, metadata={"Software": None})
