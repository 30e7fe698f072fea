"""Searches for the best choices, with one interface. Numpy only.

A choice ("gene") for each channel: 0, none; else 1, 2, ... one of the resolutions, the finest first. A search is a
function from `Problem` and a number of evaluations to what it has found; the same seed finds the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from zoo.channels.front import crowding, front, ranks

Array = np.ndarray
Evaluate = Callable[[Array], Array]
"""From genes (n, channels) to loss and cost of each, (n, 2), less being better."""


@dataclass
class Problem:
    """What is searched; every choice is evaluated once, and counted once.

    Attributes:
        evaluate: what a choice is worth.
        channels, choices: how many genes, and values of each.
        seen: every choice that has been evaluated, with its loss and cost.
    """

    evaluate: Evaluate
    channels: int
    choices: int
    seen: dict[tuple[int, ...], Array] = field(default_factory=dict)

    def values(self, genes: Array) -> Array:
        """Loss and cost of genes (n, channels), (n, 2).

        Raises:
            ValueError: genes out of range, or losses that are NaN.
        """
        genes = np.asarray(genes)
        if genes.ndim != 2 or genes.shape[1] != self.channels:
            raise ValueError(f"genes of shape {genes.shape} are not (population, {self.channels})")
        if genes.size and (genes.min() < 0 or genes.max() >= self.choices):
            raise ValueError(f"genes are from 0 to {self.choices - 1}, not {genes.min()} to {genes.max()}")
        new = list(dict.fromkeys(tuple(map(int, one)) for one in genes if tuple(map(int, one)) not in self.seen))
        if new:
            found = np.asarray(self.evaluate(np.array(new)), np.float64)
            if not np.isfinite(found).all():
                raise ValueError("a choice has a loss or a cost that is no number")
            self.seen.update(zip(new, found, strict=True))
        return np.array([self.seen[tuple(map(int, one))] for one in genes])

    def found(self) -> tuple[Array, Array]:
        """The front of all that has been evaluated: genes (n, channels) and values (n, 2), the cheapest first."""
        genes, values = np.array(list(self.seen)), np.array(list(self.seen.values()))
        best = front(values)
        return genes[best], values[best]


def _population(size: int) -> None:
    if size < 2:
        raise ValueError(f"a population of {size} has nobody to cross with: it must be at least 2")


def scalar(problem: Problem, evaluations: int, seed: int, population: int = 32) -> None:
    """As published: ranked selection, one-point crossover, a few new members, no mutation; one number to climb.

    Fitness is 1/loss - cost. It climbs to one point.
    """
    _population(population)
    random = np.random.default_rng((seed, 1))
    size, fresh = population, max(1, population // 10)
    genes = random.integers(problem.choices, size=(size, problem.channels))
    for _ in range(100 * evaluations // size + 1):
        values = problem.values(genes)
        if len(problem.seen) + size > evaluations:
            break
        order = np.argsort(-(1.0 / np.maximum(values[:, 0], 1e-9) - values[:, 1]), kind="stable")
        weight = np.arange(size, 0, -1.0)
        pairs = order[random.choice(size, size=(size - fresh, 2), p=weight / weight.sum())]
        cuts = random.integers(1, max(2, problem.channels), size=(size - fresh, 1))
        children = np.where(np.arange(problem.channels) < cuts, genes[pairs[:, 0]], genes[pairs[:, 1]])
        genes = np.concatenate([children, random.integers(problem.choices, size=(fresh, problem.channels))])


def nsga2(problem: Problem, evaluations: int, seed: int, population: int = 40) -> None:
    """NSGA-II: who is in a lower front, then who has more room, goes on; uniform crossover and mutation.

    Reference:
        Deb, Pratap, Agarwal, Meyarivan 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II".
    """
    _population(population)
    random = np.random.default_rng((seed, 2))
    size, shape = population, (population, problem.channels)
    genes = random.integers(problem.choices, size=shape) * (random.random(shape) < random.random((size, 1)))
    values = problem.values(genes)
    for _ in range(100 * evaluations // size):  # the same choice again costs nothing, so generations have a limit
        if len(problem.seen) + size > evaluations:
            break
        rank = ranks(values)
        far = crowding(values, rank)
        duels = random.integers(size, size=(2, size, 2))
        first = (rank[duels[..., 0]], -far[duels[..., 0]])
        second = (rank[duels[..., 1]], -far[duels[..., 1]])
        wins = (first[0] < second[0]) | ((first[0] == second[0]) & (first[1] <= second[1]))
        mothers, fathers = genes[np.where(wins, duels[..., 0], duels[..., 1])]
        children = np.where(random.random(shape) < 0.5, mothers, fathers)
        changed = random.random(shape) < 1.5 / problem.channels
        children = np.where(changed, random.integers(problem.choices, size=shape), children)
        both = np.unique(np.concatenate([genes, children]), axis=0)
        found = problem.values(both)
        rank = ranks(found)
        order = np.lexsort((-crowding(found, rank), rank))[:size]
        genes, values = both[order], found[order]
        if len(genes) < size:
            more = random.integers(problem.choices, size=(size - len(genes), problem.channels))
            genes = np.concatenate([genes, more])
            values = problem.values(genes)


def _greedy(problem: Problem, evaluations: int, start: Array, down: bool) -> None:
    now = start
    here = problem.values(now[None])[0]
    while True:
        steps = []
        for channel, choice in product(range(problem.channels), range(problem.choices)):
            one = now.copy()
            one[channel] = choice
            if choice != now[channel]:
                steps.append(one)
        steps = np.array(steps)[: max(0, evaluations - len(problem.seen))]
        if not len(steps):
            return
        values = problem.values(steps)
        gain, price = here[0] - values[:, 0], values[:, 1] - here[1]
        right = price < 0 if down else price > 0
        if not right.any():
            return
        score = np.where(right, gain / np.maximum(np.abs(price), 1e-12), -np.inf)
        now, here = steps[score.argmax()], values[score.argmax()]


def forward(problem: Problem, evaluations: int, seed: int) -> None:
    """From no channel on, always the step that lowers the loss most for its cost."""
    _greedy(problem, evaluations, np.zeros(problem.channels, int), down=False)


def backward(problem: Problem, evaluations: int, seed: int) -> None:
    """From every channel at its finest on, always the step that raises the loss least for what it saves."""
    _greedy(problem, evaluations, np.ones(problem.channels, int), down=True)


def at_random(problem: Problem, evaluations: int, seed: int) -> None:
    """Random choices; how many channels there are is random too."""
    random = np.random.default_rng((seed, 3))
    shape = (evaluations, problem.channels)
    problem.values(
        random.integers(1, problem.choices, size=shape) * (random.random(shape) < random.random((shape[0], 1)))
    )


def brute_force(problem: Problem, evaluations: int, seed: int) -> None:
    """Every choice.

    Raises:
        ValueError: there are more than evaluations.
    """
    count = problem.choices**problem.channels
    if count > evaluations:
        raise ValueError(f"{count:,} choices are more than {evaluations:,} evaluations")
    problem.values(np.array(list(product(range(problem.choices), repeat=problem.channels))))


SEARCHES: dict[str, Callable[[Problem, int, int], None]] = {
    "scalar, as published": scalar,
    "NSGA-II": nsga2,
    "greedy forward": forward,
    "greedy backward": backward,
    "random": at_random,
}
"""Every search that any number of genes allows; what it has found is `Problem.found()`."""
