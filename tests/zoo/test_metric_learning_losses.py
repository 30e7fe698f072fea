"""Losses and miners against plain loops in float64."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.metric_learning.losses.cross_batch_memory import CrossBatchMemory
from zoo.metric_learning.losses.multi_similarity import MultiSimilarity
from zoo.metric_learning.losses.normalized_softmax import NormalizedSoftmax
from zoo.metric_learning.losses.pair_softmax import PairSoftmax
from zoo.metric_learning.losses.proxy_anchor import ProxyAnchor
from zoo.metric_learning.losses.supcon import SupCon
from zoo.metric_learning.losses.triplet import Triplet
from zoo.metric_learning.miners.base import Miner
from zoo.metric_learning.miners.batch_hard import BatchHard
from zoo.metric_learning.miners.distance_weighted import DistanceWeighted
from zoo.metric_learning.miners.multi_similarity import MultiSimilarityMiner
from zoo.metric_learning.miners.semi_hard import SemiHard
from zoo.metric_learning.pairs import Pairs, Reference, Triplets, all_pairs, as_pairs, as_triplets
from zoo.testing import run_loss_test

RANDOM = np.random.default_rng(3)
LABELS = np.array([0, 1, 0, 2, 1, 0, 3, 1])  # the 3 has no positive, and so has the 2
X = RANDOM.normal(size=(8, 4)).astype(np.float32)  # of any length: the losses bring them to unit length
OTHERS = RANDOM.normal(size=(5, 4)).astype(np.float32)
OTHER_LABELS = np.array([0, 3, 1, 1, 4])


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def pairs_of(labels, others=None):
    """Positives and negatives of each anchor as lists of indices."""
    for i, label in enumerate(labels):
        among = labels if others is None else others
        at = [j for j in range(len(among)) if others is not None or j != i]
        yield [j for j in at if among[j] == label], [j for j in at if among[j] != label]


def supcon(labels, x, others=None, other_labels=None, pairs=None, temperature=0.1):
    s = unit(x) @ unit(x if others is None else others).T / temperature
    losses = []
    for i, (positives, negatives) in enumerate(pairs or pairs_of(labels, other_labels)):
        total = np.log(sum(np.exp(s[i, j]) for j in positives + negatives)) if positives + negatives else 0.0
        losses.append(np.mean([total - s[i, j] for j in positives]) if positives else 0.0)
    return np.array(losses)


def triplet(labels, x, margin=0.2, soft=False, active_only=False, pick=None):
    d = np.linalg.norm(unit(x)[:, None] - unit(x)[None], axis=-1)
    losses = []
    for i, (positives, negatives) in enumerate(pairs_of(labels)):
        chosen = pick(d, i, positives, negatives) if pick else [(p, n) for p in positives for n in negatives]
        values = [d[i, p] - d[i, n] for p, n in chosen]
        values = [np.log1p(np.exp(v)) if soft else max(0.0, v + margin) for v in values]
        count = sum(v > 0 for v in values) if active_only else len(values)
        losses.append(sum(values) / max(1, count))
    return np.array(losses, np.float64)


def multi_similarity(labels, x, epsilon=None, alpha=2.0, beta=50.0, base=0.5):
    s = unit(x) @ unit(x).T
    losses = []
    for i, (positives, negatives) in enumerate(pairs_of(labels)):
        if epsilon is not None and positives and negatives:
            worst, best = min(s[i, positives]), max(s[i, negatives])
            positives = [j for j in positives if s[i, j] - epsilon < best]
            negatives = [j for j in negatives if s[i, j] + epsilon > worst]
        if not positives or not negatives:
            losses.append(0.0)
            continue
        pull = np.log(1 + sum(np.exp(-alpha * (s[i, j] - base)) for j in positives)) / alpha
        losses.append(pull + np.log(1 + sum(np.exp(beta * (s[i, j] - base)) for j in negatives)) / beta)
    return np.array(losses)


def pair_softmax(labels, x):
    losses = []
    for i, label in enumerate(labels):
        s = unit(x[:, 1]) @ unit(x[i, 0]) / 0.2
        asked = [j for j in range(len(labels)) if j == i or labels[j] != label]
        losses.append(np.log(sum(np.exp(s[j]) for j in asked)) - s[i])
    return np.array(losses)


def proxies(seed, classes=5):
    return ops.convert_to_numpy(ProxyAnchor(classes, 4, seed=seed).state.proxies).astype(np.float64)


def normalized_softmax(labels, x):
    logits = unit(x) @ unit(proxies(7)).T / 0.05
    return np.array([np.log(np.exp(row).sum()) - row[label] for row, label in zip(logits, labels, strict=True)])


def proxy_anchor(labels, x):
    """The paper's two terms of each proxy, and every sample's share of them."""
    s, alpha, delta = unit(x) @ unit(proxies(7)).T, 32.0, 0.1
    losses = np.zeros(len(labels))
    present = len(set(labels.tolist()))
    for p in range(5):
        inside, outside = np.flatnonzero(labels == p), np.flatnonzero(labels != p)
        if len(inside):
            losses[inside] += np.log(1 + np.exp(-alpha * (s[inside, p] - delta)).sum()) / present / len(inside)
        losses[outside] += np.log(1 + np.exp(alpha * (s[outside, p] + delta)).sum()) / 5 / len(outside)
    return losses * len(labels)


def hardest(d, i, positives, negatives):
    return [(max(positives, key=lambda j: d[i, j]), min(negatives, key=lambda j: d[i, j]))] if positives else []


def semi_hard(d, i, positives, negatives):
    chosen = []
    for p in positives:
        fits = [n for n in negatives if d[i, p] < d[i, n] < d[i, p] + 0.6]
        chosen += [(p, min(fits, key=lambda j: d[i, j]))] if fits else []
    return chosen


PAIRS = RANDOM.normal(size=(5, 2, 4)).astype(np.float32)
CASES = {
    "SupCon": (SupCon, {"temperature": 0.1}, LABELS, X, supcon),
    "Triplet": (Triplet, {"margin": 0.2}, LABELS, X, triplet),
    "Triplet, soft": (Triplet, {"margin": "soft"}, LABELS, X, lambda y, x: triplet(y, x, soft=True)),
    "Triplet, active": (Triplet, {"active_only": True}, LABELS, X, lambda y, x: triplet(y, x, active_only=True)),
    "Triplet, hard": (Triplet, {"miner": BatchHard()}, LABELS, X, lambda y, x: triplet(y, x, pick=hardest)),
    "Triplet, semi-hard": (
        Triplet,
        {"miner": SemiHard(0.6), "margin": 0.6},
        LABELS,
        X,
        lambda y, x: triplet(y, x, 0.6, pick=semi_hard),
    ),
    "MultiSimilarity": (
        MultiSimilarity,
        {"beta": 40.0, "base": 0.0},
        LABELS,
        X,
        lambda y, x: multi_similarity(y, x, beta=40.0, base=0.0),
    ),
    "MultiSimilarity, mined": (
        MultiSimilarity,
        {"miner": MultiSimilarityMiner(0.1)},
        LABELS,
        X,
        lambda y, x: multi_similarity(y, x, 0.1),
    ),
    "PairSoftmax": (PairSoftmax, {"temperature": 0.2}, np.array([4, 2, 4, 0, 1]), PAIRS, pair_softmax),
    "NormalizedSoftmax": (NormalizedSoftmax, {"classes": 5, "dimension": 4, "seed": 7}, LABELS, X, normalized_softmax),
    "ProxyAnchor": (ProxyAnchor, {"classes": 5, "dimension": 4, "seed": 7}, LABELS, X, proxy_anchor),
    "CrossBatchMemory, empty": (CrossBatchMemory, {"loss": SupCon(), "dimension": 4}, LABELS, X, supcon),
}


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradient_equal_numpy(case):
    run_loss_test(*CASES[case])


@pytest.mark.parametrize("loss_class", [SupCon, Triplet, MultiSimilarity])
def test_a_batch_without_any_pair_gives_zero_and_no_slope(loss_class):
    import tensorflow as tf

    x = tf.Variable(np.tile(X[:1], (3, 1)))  # and all at one place, where a distance has no slope
    with tf.GradientTape() as tape:
        losses = loss_class(reduction="none").on(np.zeros(3), x, Pairs(*np.zeros((2, 3, 3), bool)))
    assert np.array_equal(losses, np.zeros(3))
    assert np.array_equal(tape.gradient(losses, x), np.zeros((3, 4)))


def test_pair_softmax_is_the_published_loss_where_every_class_comes_once():
    labels = np.arange(5)
    anchors, positives = unit(PAIRS[:, 0]), unit(PAIRS[:, 1])
    logits = np.einsum("ae,pe->ap", anchors, positives) / 0.2
    published = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    assert float(PairSoftmax()(labels, PAIRS)) == pytest.approx(float(published), abs=1e-6)


def test_proxy_anchor_s_mean_is_the_sum_over_proxies():
    s = unit(X.astype(np.float64)) @ unit(proxies(7)).T
    pulled, pushed = [], []
    for p in range(5):
        mine = p == LABELS
        if mine.any():
            pulled.append(np.log(1 + np.exp(-32 * (s[mine, p] - 0.1)).sum()))
        pushed.append(np.log(1 + np.exp(32 * (s[~mine, p] + 0.1)).sum()))
    loss = ProxyAnchor(5, 4, seed=7)
    assert float(loss(LABELS, X)) == pytest.approx(np.mean(pulled) + np.mean(pushed), rel=1e-6)


def test_references_and_mined_pairs():
    reference = Reference(OTHER_LABELS, OTHERS)
    x, others = X.astype(np.float64), OTHERS.astype(np.float64)
    assert np.allclose(SupCon().on(LABELS, X, reference=reference), supcon(LABELS, x, others, OTHER_LABELS), atol=1e-6)

    positives, negatives = np.zeros((2, 8, 5), bool)
    positives[0, 0] = negatives[0, [1, 4]] = positives[1, [2, 3]] = negatives[3, 3] = True
    lists = [
        (np.flatnonzero(p).tolist(), np.flatnonzero(n).tolist()) for p, n in zip(positives, negatives, strict=True)
    ]
    wanted = supcon(LABELS, x, others, pairs=lists)
    assert np.allclose(SupCon().on(LABELS, X, Pairs(positives, negatives), reference), wanted, atol=1e-6)
    assert np.count_nonzero(wanted) == 2  # anchor 1 has a positive too few to tell apart, anchor 3 none


def test_pairs_and_triplets_are_made_of_each_other():
    pairs = all_pairs(LABELS)
    triplets = as_triplets(pairs)
    wanted = {(a, p, n) for a, (ps, ns) in enumerate(pairs_of(LABELS)) for p in ps for n in ns}
    assert set(zip(*np.nonzero(ops.convert_to_numpy(triplets.mask)), strict=True)) == wanted
    again = as_pairs(Triplets(triplets.mask))
    kept = np.any(ops.convert_to_numpy(pairs.positives), axis=1)  # without a positive there is no triplet
    assert np.array_equal(ops.convert_to_numpy(again.positives), ops.convert_to_numpy(pairs.positives))
    assert np.array_equal(ops.convert_to_numpy(again.negatives), ops.convert_to_numpy(pairs.negatives) & kept[:, None])


def test_miners_take_references_and_candidates():
    reference = Reference(OTHER_LABELS, OTHERS)
    mined = BatchHard()(LABELS, X, reference)
    d = -(unit(X) @ unit(OTHERS).T)
    for i, (positives, negatives) in enumerate(pairs_of(LABELS, OTHER_LABELS)):
        p, n = (np.flatnonzero(ops.convert_to_numpy(m[i])).tolist() for m in mined)
        assert [(a, b) for a in p for b in n] == hardest(d, i, positives, negatives)
    nothing = Pairs(*np.zeros((2, 8, 5), bool))
    for miner in (Miner(), BatchHard(), SemiHard(), MultiSimilarityMiner(), DistanceWeighted()):
        assert not any(np.any(ops.convert_to_numpy(mask)) for mask in miner(LABELS, X, reference, nothing)), miner
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(miner))
        assert type(again) is type(miner) and again.get_config() == miner.get_config()


def test_distance_weighted_draws_by_the_inverse_density():
    # One anchor, one positive, three negatives at known distances; and one that is too far.
    angles = np.array([0.0, 0.1, 0.7, 1.0, 1.3, 3.0])
    x = np.zeros((6, 5), np.float32)
    x[:, 0], x[:, 1] = np.cos(angles), np.sin(angles)
    labels = np.array([0, 0, 1, 1, 1, 1])
    d = 2 * np.sin(angles[2:5] / 2)
    weights = 1 / (d ** (5 - 2) * (1 - d**2 / 4) ** ((5 - 3) / 2))
    miner, counts = DistanceWeighted(seed=1), np.zeros(6)
    anchors, draws = 40, 25
    reference = Reference(labels, x)
    candidates = all_pairs(np.zeros(anchors), labels)
    for _ in range(draws):
        mask = ops.convert_to_numpy(miner(np.zeros(anchors), np.repeat(x[:1], anchors, 0), reference, candidates).mask)
        assert np.array_equal(mask.sum(axis=2), np.tile([1, 1, 0, 0, 0, 0], (anchors, 1)))
        counts += mask.sum(axis=(0, 1))
    share = counts / counts.sum()
    assert share[[0, 1, 5]].tolist() == [0, 0, 0]
    noise = np.sqrt(1 / (2 * anchors * draws))
    assert np.allclose(share[2:5], weights / weights.sum(), atol=4 * noise * 0.5)


def test_memory_is_first_in_first_out_and_joins_the_batch():
    loss = CrossBatchMemory(SupCon(), dimension=4, capacity=6, reduction="none")
    for count in (4, 5):  # 9 into 6: the first three of the older batch are forgotten last of all
        loss.enqueue(OTHER_LABELS[:count], OTHERS[:count] * count)
    kept = np.concatenate([OTHERS * 5, OTHERS[:1] * 4])
    kept_labels = np.concatenate([OTHER_LABELS, OTHER_LABELS[:1]])
    assert np.array_equal(ops.convert_to_numpy(loss.state.embeddings), kept)
    assert np.array_equal(ops.convert_to_numpy(loss.state.labels), kept_labels)

    every = list(pairs_of(np.concatenate([LABELS, kept_labels])))[: len(LABELS)]
    wanted = supcon(LABELS, X.astype(np.float64), np.concatenate([X, kept]).astype(np.float64), pairs=every)
    before = ops.convert_to_numpy(loss.state.embeddings).copy()
    assert np.allclose(loss(LABELS, X), wanted, atol=1e-6)
    assert np.array_equal(ops.convert_to_numpy(loss.state.embeddings), before)  # looking changes nothing


def test_memory_hands_its_pairs_to_the_miner():
    loss = CrossBatchMemory(Triplet(miner=BatchHard()), dimension=4, capacity=3, reduction="none")
    loss.enqueue(OTHER_LABELS[:2], OTHERS[:2])
    x, y = np.concatenate([X, OTHERS[:2]]), np.concatenate([LABELS, OTHER_LABELS[:2]])
    d = np.linalg.norm(unit(x)[:, None] - unit(x)[None], axis=-1)
    wanted = []
    for i, (positives, negatives) in enumerate(list(pairs_of(y))[: len(LABELS)]):
        wanted.append(sum(max(0.0, d[i, p] - d[i, n] + 0.2) for p, n in hardest(d, i, positives, negatives)))
    assert np.allclose(loss(LABELS, X), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SupCon(0.0), "temperature must be above 0"),
        (lambda: NormalizedSoftmax(3, 2, -1.0), "temperature must be above 0"),
        (lambda: PairSoftmax(-1.0), "temperature must be above 0"),
        (lambda: PairSoftmax(miner=BatchHard()), "nothing for a miner"),
        (lambda: PairSoftmax().on(LABELS, X), "positives as reference"),
        (lambda: PairSoftmax()(LABELS, X), r"\(pairs, 2, dimension\)"),
        (lambda: Triplet(0.0), "margin must be above 0"),
        (lambda: Triplet("hard"), "margin must be above 0 or 'soft'"),
        (lambda: SemiHard(0.0), "margin must be above 0"),
        (lambda: MultiSimilarity(alpha=0.0), "alpha and beta"),
        (lambda: ProxyAnchor(3, 2, alpha=0.0), "alpha must be above 0"),
        (lambda: ProxyAnchor(1, 2), "at least 2"),
        (lambda: ProxyAnchor(3, 2, miner=BatchHard()), "nothing for a miner"),
        (lambda: ProxyAnchor(5, 4).on(LABELS, X, all_pairs(LABELS)), "no mined pairs and no reference"),
        (lambda: DistanceWeighted(1.5, 1.4), "cutoff < farthest"),
        (lambda: CrossBatchMemory(ProxyAnchor(3, 2), 2), "does not take references"),
        (lambda: CrossBatchMemory(SupCon(), 2, miner=BatchHard()), "miner to the wrapped loss"),
        (lambda: CrossBatchMemory(SupCon(), 2, 0), "holds nothing"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
