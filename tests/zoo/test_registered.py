"""A `.keras` file that names classes of the zoo, in a process that knows none of them yet."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np

import zoo
from zoo.quiet import quiet_import

with quiet_import():
    import keras

    from zoo.metric_learning.embedding_model import EmbeddingModel
    from zoo.metric_learning.losses.cross_batch_memory import CrossBatchMemory
    from zoo.metric_learning.losses.triplet import Triplet
    from zoo.metric_learning.metrics.retrieval import RecallAtK
    from zoo.metric_learning.miners.distance_weighted import DistanceWeighted

FRESH = """
import json, sys
import numpy as np
from zoo.quiet import quiet_import
with quiet_import():
    import keras
    import zoo.registered
model = keras.saving.load_model(sys.argv[1])
kinds = [type(one).__name__ for one in (model, model.loss, model.loss.loss, model.loss.loss.miner)]
answer = model.predict(np.eye(5, dtype="float32"), verbose=0).tolist()
print(json.dumps([kinds, answer, sorted(keras.saving.get_custom_objects())]))
"""


OLD_MODULES = {
    "CrossBatchMemory": "zoo.metric_learning.cross_batch_memory",
    "DistanceWeighted": "zoo.metric_learning.distance_weighted",
    "RecallAtK": "zoo.metric_learning.recall_at_k",
    "Triplet": "zoo.metric_learning.triplet",
}
"""Where files that were written by earlier versions say that these classes are."""


def named_as_before(config):
    """A model's configuration as an earlier version wrote it."""
    if isinstance(config, list):
        return [named_as_before(one) for one in config]
    if not isinstance(config, dict):
        return config
    config = {key: named_as_before(value) for key, value in config.items()}
    if config.get("class_name") in OLD_MODULES:
        config["module"] = OLD_MODULES[config["class_name"]]
    return config


def test_one_import_is_enough_to_load_what_was_saved_in_mid_training(tmp_path):
    images = keras.Input((5,))
    model = EmbeddingModel(images, keras.layers.Dense(3)(images))
    loss = CrossBatchMemory(Triplet(miner=DistanceWeighted(seed=1)), dimension=3, capacity=7)
    model.compile("adam", loss, metrics=[RecallAtK(1, capacity=20)], run_eagerly=True)
    model.fit(np.eye(5, dtype=np.float32), np.array([0, 0, 1, 1, 2]), verbose=0)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        for name in new.namelist():
            content = new.read(name)
            if name == "config.json":
                content = json.dumps(named_as_before(json.loads(content)))
                assert all(module in content for module in OLD_MODULES.values())
            old.writestr(name, content)
    done = subprocess.run([sys.executable, "-c", FRESH, tmp_path / "old.keras"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kinds, answer, names = json.loads(done.stdout)
    assert kinds == ["EmbeddingModel", "CrossBatchMemory", "Triplet", "DistanceWeighted"]
    np.testing.assert_allclose(answer, model.predict(np.eye(5, dtype=np.float32), verbose=0), atol=1e-6)
    decorated = r"\n@keras\.saving\.register_keras_serializable\([^\n]*\n(?:@[^\n]*\n)*class (\w+)"
    texts = [path.read_text() for path in Path(zoo.__file__).parent.rglob("*.py")]
    wanted = {f"zoo>{name}" for text in texts for name in re.findall(decorated, text)}
    assert len(wanted) > 30
    assert wanted <= set(names)
