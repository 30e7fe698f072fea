"""The batches as Keras wants them."""

import keras
import numpy as np

from zoo.wavenet.batches import WaveBatches
from zoo.wavenet.dataset import WaveDataset
from zoo.wavenet.losses.settled_mean_squared_error import SettledMeanSquaredError
from zoo.wavenet.metrics.error_decibels import ErrorDecibels


def test_a_dataset_and_a_whole_epoch_hold_the_same_batches():
    waves = WaveBatches(seed=5, batch_size=4, samples=16, batches=3)
    dataset = WaveDataset(waves)
    assert isinstance(dataset, keras.utils.PyDataset) and len(dataset) == 3
    for epoch in range(2):
        whole = waves.whole_epoch(epoch)
        for index in range(3):
            for ours, drawn, all_of_them in zip(dataset[index], waves.batch(epoch, index), whole, strict=True):
                np.testing.assert_array_equal(ours, drawn)
                np.testing.assert_array_equal(all_of_them[4 * index : 4 * index + 4], drawn)
        dataset.on_epoch_end()


def test_keras_fits_the_dataset_and_moves_on_each_epoch():
    dataset = WaveDataset(WaveBatches(batch_size=4, samples=16, batches=2))
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, keras.layers.Conv1D(1, 2, padding="causal")(inputs))
    model.compile("sgd", SettledMeanSquaredError(4), metrics=[ErrorDecibels(4)])
    history = model.fit(dataset, epochs=2, verbose=0).history
    assert len(history["loss"]) == len(history["error_db"]) == 2
    assert dataset.epoch >= 2  # Keras passes over the data once more to build the metrics
