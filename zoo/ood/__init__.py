"""Out-of-distribution detection: which inputs are unlike anything that a classifier was trained on?

Every detector has one interface. `fit(model, x, y)` sees a trained classifier and the images that it was trained on,
never an outlier; `score(x)` gives one number for each image, higher = more outlying:

    from zoo.ood.detectors import DETECTORS
    detector = DETECTORS["knn"]().fit(model, x_train, y_train)
    outlying = detector.score(x)

Where several detectors share a model, one forward pass is enough for all of them:

    from zoo.ood.classifier import Classifier
    classifier = Classifier(model)                 # or a list of models, for the ensemble
    training, test = classifier.outputs(x_train), classifier.outputs(x_test)
    scores = {name: kind().fit_outputs(training, y_train).score_outputs(test) for name, kind in DETECTORS.items()}

Module by module, in reading order:

    outputs.py            what a classifier says about images: features, logits, weights of its last layer; numpy only
    classifier.py         `Classifier`: a Keras model, cut in front of its last Dense layer
    detectors/            `Detector`, the interface of all; `DETECTORS`, all of them by name; and a file for each, but
                          for the scores of logits alone, which are in confidence.py
    metrics.py            AUROC, AUPR in and out, FPR95
    threshold.py          `ThresholdClassifier`: from a score to a decision and a probability
    evaluation.py         a table of detectors and splits
    picture.py            their curves and histograms on one page
    recipe.py             how classifiers are trained where none are given
    experiment.py         `train`, `evaluate`, `show`
    command.py            the same from the command line

Importing this package, or any module of it but classifier.py and experiment.py, imports neither TensorFlow nor Keras.
"""
