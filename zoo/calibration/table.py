"""The comparison as text: one row for each model, one table for each kind of outliers, and what they show."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.calibration.figures import Figures, mean_and_deviation
from zoo.calibration.measuring import PLAIN, REFITTED, SCALED
from zoo.calibration.methods import METHODS
from zoo.calibration.recipe import Plan
from zoo.ood.detectors.table import DETECTORS
from zoo.ood.evaluation import Evaluation, evaluation, with_pixels
from zoo.splits import Splits, pixels
from zoo.tables import aligned

Rows = Mapping[str, Sequence[Figures]]
"""By "loss/what was done": one `Figures` for each seed."""

DONE = {PLAIN: ("", ""), REFITTED: (", refit", "+R"), SCALED: (", temperature", "+T")}


@dataclass(frozen=True)
class Baseline:
    """What it takes no network to reach.

    Attributes:
        shares: figures of a model that answers every image with the shares of the classes.
        pixels: detector k-NN on the images themselves.
    """

    shares: Figures
    pixels: Evaluation


def baseline(splits: Splits) -> Baseline:
    """Measures both."""
    shares = np.bincount(splits.train.y, minlength=len(splits.classes)) / len(splits.train.y)
    logits = np.tile(np.log(shares).astype(np.float32), (len(splits.test.y), 1))
    nothing = evaluation({}, {}, {})
    outliers = {"hard": pixels(splits.hard), "easy": pixels(splits.easy)}
    return Baseline(
        Figures.of(logits, splits.test.y, None),
        with_pixels(nothing, pixels(splits.train.x), pixels(splits.test.x), outliers),
    )


def title(row: str, *, short: bool = False) -> str:
    """What to call a row of the table."""
    loss, done = row.split("/")
    method = METHODS[loss]
    return (method.short if short else method.title) + DONE[done][short]


def table(rows: Rows, plan: Plan, splits: Splits, plain: Baseline) -> str:
    """The whole text."""
    first = next(iter(rows.values()))
    seeds = f"mean and deviation over {len(first)} seeds" if len(first) > 1 else "one seed"
    parts = [
        f"{splits.name} ({splits.origin}) without {' and '.join(splits.held_out)}; {plan.recipe.network} network; "
        f"{len(splits.train.y):,} images trained on, {len(splits.calibrate.y):,} calibrated on, "
        f"{len(splits.test.y):,} tested; {seeds}",
        _models(rows, plain.shares),
        *(
            _detectors(rows, plain.pixels, kind, figure, heading)
            for kind, of_what in (("hard", f"images of {' and '.join(splits.held_out)}"), ("easy", "random images"))
            for figure, heading in (
                ("auroc", f"AUROC, %, of telling {of_what}"),
                ("fpr95", f"FPR95, %, {of_what}: how many pass where 95% of the test images do"),
            )
        ),
        caption(rows, plain),
    ]
    return "\n\n".join(parts)


def _models(rows: Rows, shares: Figures) -> str:
    """Accuracy and calibration, a row for each model."""
    columns: dict[str, tuple[Callable[[Figures], float | None], float, int]] = {
        "accuracy, %": (lambda f: f.accuracy, 100, 2),
        "NLL": (lambda f: f.nll, 1, 3),
        "ECE, %": (lambda f: f.ece, 100, 2),
        "floor, %": (lambda f: f.floor, 100, 2),
        "floor 95%": (lambda f: f.floor95, 100, 2),
        "adaptive, %": (lambda f: f.adaptive_ece, 100, 2),
        "class-wise, %": (lambda f: f.classwise_ece, 100, 2),
        "Brier": (lambda f: f.brier, 1, 3),
        "temperature": (lambda f: f.temperature, 1, 3),
    }
    named = {"shares of the classes": [shares], **{title(row): figures for row, figures in rows.items()}}
    lines = [["", *columns]]
    for name, figures in named.items():
        cells = [_cell([of(f) for f in figures], factor, places) for of, factor, places in columns.values()]
        lines.append([name, *cells])
    return aligned(lines, least=13)


def _detectors(rows: Rows, pixels_: Evaluation, kind: str, figure: str, heading: str) -> str:
    """One figure of every detector on every model; the best is marked."""
    names = list(next(iter(rows.values()))[0].auroc[kind])
    means = {(name, row): _mean(figures, kind, figure, name) for row, figures in rows.items() for name in names}
    values = [value for value in means.values() if value is not None]
    best = max(values) if figure == "auroc" else min(values)
    titles = {name: DETECTORS[name]().title for name in names}
    lines = [["", *(title(row, short=True) for row in rows)]]
    for name in names:
        cells = [
            _cell([getattr(one, figure)[kind].get(name) for one in figures], 100, 1)
            + ("*" if means[name, row] == best else " ")
            for row, figures in rows.items()
        ]
        lines.append([titles[name], *cells])
    (of_pixels,) = (getattr(one[kind], figure) for one in pixels_.separations.values())
    lines.append(["k-NN on pixels", f"{100 * of_pixels:.1f} ", *[""] * (len(rows) - 1)])
    return f"{heading}\n{aligned(lines, least=11)}"


def _mean(figures: Sequence[Figures], kind: str, figure: str, name: str) -> float | None:
    values = [getattr(one, figure)[kind].get(name) for one in figures]
    return None if None in values else float(np.mean(values))


def _cell(values: Sequence[float | None], factor: float, places: int) -> str:
    """Mean and deviation over seeds, or a dash where it does not apply."""
    if None in values:
        return "-"
    mean, deviation = mean_and_deviation([factor * value for value in values])
    spread = f" ±{deviation:.{places}f}" if len(values) > 1 else ""
    return f"{mean:.{places}f}{spread}"


def caption(rows: Rows, plain: Baseline) -> str:
    """What the numbers show, sentence by sentence, each out of the numbers."""
    sentences = [
        "ECE has 15 bins of equal width; its floor is what it would be if every confidence were right, with labels "
        "drawn from the network's own probabilities (mean, and the 95th percentile).",
        *_focal(rows),
        *_refit(rows),
    ]
    scaled = [row for row in rows if row.endswith(f"/{SCALED}")]
    best = min(scaled, key=lambda row: np.mean([f.ece for f in rows[row]]))
    ece, floor = (np.mean([getattr(f, name) for f in rows[best]]) for name in ("ece", "floor95"))
    sentences.append(
        f"Least ECE with a temperature: {title(best)}, {100 * ece:.2f}%, "
        f"{'within' if ece <= floor else 'above'} the floor's 95th percentile of {100 * floor:.2f}%."
    )
    changed = [
        title(row) for row in scaled if [f.accuracy for f in rows[row]] != [f.accuracy for f in rows[_before(row)]]
    ]
    sentences.append(
        f"A temperature changed the accuracy of {', '.join(changed)}."
        if changed
        else "A temperature changed no accuracy by a single image."
    )
    for kind, of_what in (("hard", "held-out classes"), ("easy", "random images")):
        means_of = {
            (name, row): value
            for row, figures in rows.items()
            for name in figures[0].auroc[kind]
            if (value := _mean(figures, kind, "auroc", name)) is not None
        }
        name, row = max(means_of, key=means_of.__getitem__)
        (of_pixels,) = (one[kind].auroc for one in plain.pixels.separations.values())
        sentences.append(
            f"{of_what.capitalize()} are told best by {DETECTORS[name]().title} on {title(row)}, AUROC "
            f"{100 * means_of[name, row]:.1f}%; k-NN on pixels reaches {100 * of_pixels:.1f}%."
        )
    sentences.append(
        "A dash: no temperature where the last layer is refitted, and detectors that do not depend on one."
    )
    return "\n".join(textwrap.fill(sentence, 120) for sentence in sentences)


def _before(row: str) -> str:
    """The row of the same training before its temperature."""
    return f"{row.split('/')[0]}/{PLAIN}"


def _refit(rows: Rows) -> list[str]:
    """What a new last layer did."""
    sentences = []
    for row in (row for row in rows if row.endswith(f"/{REFITTED}")):
        (was, now), accuracies = (
            [100 * float(np.mean([getattr(f, name) for f in rows[at]])) for at in (_before(row), row)]
            for name in ("ece", "accuracy")
        )
        verdict = "raised" if now > was else "lowered"
        sentences.append(
            f"Refitting the last layer {verdict} the ECE of {title(_before(row))} from {was:.1f}% to "
            f"{now:.1f}%; its accuracy went from {accuracies[0]:.1f}% to {accuracies[1]:.1f}%."
        )
    return sentences


def _focal(rows: Rows) -> list[str]:
    """Whether focal loss calibrates this network without a temperature, compared with cross entropy."""
    against = f"cross-entropy/{PLAIN}"
    focal = [row for row in rows if METHODS[row.split("/")[0]].gamma and row.endswith(f"/{PLAIN}")]
    if against not in rows or not focal:
        return []

    def ece(row: str) -> float:
        return 100 * float(np.mean([f.ece for f in rows[row]]))

    def named(group: list[str]) -> str:
        return ", ".join(f"{ece(row):.1f}% with gamma {METHODS[row.split('/')[0]].gamma:g}" for row in group)

    def floor(row: str) -> float:
        return 100 * float(np.mean([f.floor95 for f in rows[row]]))

    worse = [row for row in focal if ece(row) > max(ece(against), floor(row))]
    better = [row for row in focal if row not in worse]
    reported = "(published for ResNet-50: 1.5% with gamma 3, cross entropy 4.4%)"
    if not worse:
        return [
            f"Focal loss calibrates this network before any temperature: ECE {named(better)}, each below cross "
            f"entropy's {ece(against):.1f}% or within its own floor {reported}."
        ]
    verdict = "does not calibrate this network" if not better else "calibrates this network in part only"
    temperatures = [np.mean([f.temperature for f in rows[f"{row.split('/')[0]}/{SCALED}"]]) for row in worse]
    unsure = " It leaves it too unsure of itself: the temperatures are below 1." if max(temperatures) < 1 else ""
    return [
        f"What does not reproduce: focal loss {verdict}. Before a temperature its ECE is {named(focal)}, and that of "
        f"cross entropy {ece(against):.1f}% {reported}.{unsure}"
    ]
