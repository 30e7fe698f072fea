"""Labelled images in batches of m of each class: a data configuration.

C=zoo/metric_learning/configs
python -m zoo train run --name similar --data $C/images_data.py --model $C/embedding_model.py --set 'images="digits"'
"""

from types import SimpleNamespace

from zoo.augmentation import RandomCrop
from zoo.datasets import IMAGES
from zoo.metric_learning.evaluation import PIXELS, pixel_embeddings, retrieval_scores
from zoo.metric_learning.m_per_class import MPerClass
from zoo.runs import DataSet

FLAGS = {"images": "cifar10", "m": 13, "held_out": 0.1, "shift": 2}


def load(flags: SimpleNamespace) -> DataSet:
    """The last tenth of the training images is held out to find the best epoch."""
    images = IMAGES[flags.images]()
    x, y = images.x_train, images.y_train
    cut = round(len(x) * (1 - flags.held_out))
    crop = RandomCrop(x.shape[1], padding=flags.shift, flip=flags.images != "digits")
    train = MPerClass(x[:cut], y[:cut], m=flags.m, seed=flags.seed, augment=crop)
    # One batch holds what a loss over pairs is to compare.
    return DataSet(train, validation=(x[cut:], y[cut:]), test=(images.x_test, images.y_test), batch_size=256)


def baselines(data: DataSet) -> dict[str, dict[str, float]]:
    """What the nearest neighbours of the pixels reach."""
    x, y = data.test
    return {PIXELS: {"recall_at_1": retrieval_scores(pixel_embeddings(x), y)["R@1"]}}
