"""Every class of the zoo that a `.keras` file can name, imported: what Keras needs before it reads such a file.

import zoo.registered
model = keras.saving.load_model("ensemble.keras")

A test finds the class that is missing here.
"""

# ruff: noqa: F401
from zoo import fused_normalization
from zoo.calibration import losses as calibration_losses
from zoo.calibration import metrics as calibration_metrics
from zoo.channels import network as channels_network
from zoo.ensembles import batch_ensemble, embedding_transform, logit_ensemble, stacked
from zoo.kalman import cell as kalman_cell
from zoo.kalman import published as kalman_published
from zoo.metric_learning import embedding_model, losses, metrics, miners, one_cycle
from zoo.wavenet import losses as wavenet_losses
from zoo.wavenet import metrics as wavenet_metrics
