"""Ensembles: many networks that answer together, untrained or trained, in one forward pass.

An ensemble of networks that were never trained tells images apart surprisingly well (Mat Kelcey, "a jax random
embedding ensemble network"). What it says of unlabelled images are labels, weak ones, from which a network can learn.

Module by module, in reading order:

    stacked.py               `Stacked`: any Keras network M times, as one layer; which of four ways is fastest, and why
    members.py               `split` into separate Keras models and `merge` them back
    grouped.py               the same stack as grouped convolutions of Keras' own layers, for compilers
    embedding_transform.py   `EmbeddingTransform`: centring and whitening of embeddings
    random_ensemble.py       the untrained network, M of them as one model
    device.py                a random ensemble of Keras' own layers alone, transform included
    similarity.py            similarities by member and summed; accuracy against nine negatives
    published_test.py        the published test, normalisation by normalisation
    logit_ensemble.py        `LogitEnsemble`: trained by the sum of logits, or one random member a step
    batch_ensemble.py        members that share a kernel, told apart by rank-one factors
    recipe.py, networks.py   how to train, and which small networks
    weak_labels.py           pairs found by a random ensemble train an embedding network
    picture.py               accuracy against number of members
    experiment.py            `train`, `evaluate`, `show`
    command.py               the same from the command line

Importing this package imports neither TensorFlow nor Keras.
"""
