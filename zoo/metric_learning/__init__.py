"""Metric learning: networks whose embeddings lie close to each other for images that belong together.

The "Metric learning for image similarity search" example of keras.io as a library, with what users of
pytorch-metric-learning and TensorFlow Similarity look for: losses, miners, samplers, retrieval metrics, an index.

    loss = SupCon(miner=MultiSimilarityMiner())        # a Keras loss: loss(labels, embeddings)
    model = EmbeddingModel(network.input, network.output)
    model.compile("adam", loss, metrics=[RecallAtK(1)])
    model.fit(MPerClass(images, labels, m=8))

    index = Index()
    index.add(model.predict(images), labels)
    index.lookup(model.predict(queries), k=5)

Module by module, in reading order:

    pairs.py             which embeddings are compared, as masks; cosines and distances
    miner.py             `Miner`, all pairs; batch_hard.py, semi_hard.py, multi_similarity_miner.py and
                         distance_weighted.py pick some of them
    metric_loss.py       what all losses share, and their one convention: `loss(labels, embeddings)` and
                         `loss.on(labels, embeddings, mined=None, reference=None)`
    supcon.py, triplet.py, multi_similarity.py, pair_softmax.py          losses over pairs
    proxies.py, proxy_loss.py, proxy_anchor.py, normalized_softmax.py    losses over trained class proxies
    embedding_queue.py, cross_batch_memory.py                            pairs with earlier batches
    embedding_model.py   `EmbeddingModel`, which trains with any of them and owns what they learn
    retrieval_metric.py  what all metrics share; recall_at_k.py, precision_at_k.py, r_precision.py, map_at_r.py
    m_per_class.py, crops.py             batches, functions of (seed, epoch, index); numpy only but for the base class
    networks.py          the published network, and a residual one
    one_cycle.py, recipes.py, train.py   from a seed to a folder of files
    index.py, evaluation.py, pictures.py the search index, the table, neighbours as pictures
    command.py           the command line

Importing this package imports neither TensorFlow nor Keras.
"""
