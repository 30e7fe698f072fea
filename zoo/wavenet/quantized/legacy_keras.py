"""`qkeras` and `tf_keras`, imported so that they find each other: take both from here.

QKeras is written against Keras 2 as `tf.keras`, which is Keras 3 by now unless TF_USE_LEGACY_KERAS is set.

TensorFlow reads TF_USE_LEGACY_KERAS twice: on import, when it decides in which folder `import tensorflow.keras.layers`
looks, and when `tf.keras` is used for the first time. QKeras relies on both, so setting the variable just before
importing QKeras does half of the job when Keras 3 has already imported TensorFlow. This module does both halves.
`import keras` is not affected: Keras 3 and tf_keras live in one process.
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import tensorflow as tf
import tf_keras
import tf_keras.api._v2

_FOLDER = os.path.dirname(tf_keras.api._v2.__file__)  # noqa: PTH120 - `__path__` holds text

if _FOLDER not in tf.__path__:
    tf.__path__.insert(0, _FOLDER)
if tf.keras.layers.Layer is not tf_keras.layers.Layer:
    raise ImportError(
        f"tf.keras is already in use as Keras 3, and QKeras needs it to be tf_keras. Import {__name__} before whatever "
        "uses tf.keras, or set TF_USE_LEGACY_KERAS=1 in the environment."
    )

import qkeras  # noqa: E402

__all__ = ["qkeras", "tf_keras"]
