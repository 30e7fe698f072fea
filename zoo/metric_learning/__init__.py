"""Metric learning: networks whose embeddings lie close to each other for images that belong together.

The "Metric learning for image similarity search" example of keras.io as a library, with what users of
pytorch-metric-learning and TensorFlow Similarity look for: losses, miners, samplers, retrieval metrics, an index.

    from zoo.metric_learning.losses import SupCon
    from zoo.metric_learning.metrics import RecallAtK
    from zoo.metric_learning.miners import MultiSimilarityMiner

    loss = SupCon(miner=MultiSimilarityMiner())        # a Keras loss: loss(labels, embeddings)
    model = EmbeddingModel(network.input, network.output)
    model.compile("adam", loss, metrics=[RecallAtK(1)])
    model.fit(MPerClass(images, labels, m=8))

    index = Index()
    index.add(model.predict(images), labels)
    index.lookup(model.predict(queries), k=5)

Module by module, in reading order:

    pairs.py             which embeddings are compared, as masks; cosines and distances
    miners/              `Miner`, all pairs; the others pick some of them
    losses/              `MetricLoss`, what all share, and their one convention: `loss(labels, embeddings)` and
                         `loss.on(labels, embeddings, mined=None, reference=None)`. Over pairs, over trained class
                         proxies, and over pairs with earlier batches
    embedding_model.py   `EmbeddingModel`, which trains with any of them and owns what they learn
    metrics/             `RetrievalMetric`, what all share; R@k, P@k, R-precision and MAP@R
    m_per_class.py       batches, functions of (seed, epoch, index); numpy only but for the base class
    networks.py          the published network, and a residual one
    one_cycle.py, recipe.py, experiment.py   from a seed to a folder of files
    index.py, evaluation.py, picture.py      the search index, the table, neighbours as pictures
    configs/             both as configurations for `python -m zoo train run`
    command.py           the command line

Importing this package imports neither TensorFlow nor Keras.
"""
