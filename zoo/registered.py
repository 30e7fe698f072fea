"""Every class of the zoo that a `.keras` file can name, imported: what Keras needs before it reads such a file.

import zoo.registered
model = keras.saving.load_model("ensemble.keras")

A test finds the class that is missing here.
"""

# ruff: noqa: F401
from zoo import fused_normalization
from zoo.calibration.losses import focal, label_smoothing, mmce, sample_dependent_focal
from zoo.calibration.metrics import adaptive, brier, classwise, expected, likelihood
from zoo.ensembles import batch_ensemble_conv2d, batch_ensemble_dense, embedding_transform, logit_ensemble, stacked
from zoo.metric_learning import (
    batch_hard,
    cross_batch_memory,
    distance_weighted,
    embedding_model,
    embedding_queue,
    map_at_r,
    miner,
    multi_similarity,
    multi_similarity_miner,
    normalized_softmax,
    one_cycle,
    pair_softmax,
    precision_at_k,
    proxies,
    proxy_anchor,
    r_precision,
    recall_at_k,
    semi_hard,
    supcon,
    triplet,
)
from zoo.wavenet import loss, metric
