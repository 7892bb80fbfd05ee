"""Exports that are made or load in a moment, for tests to which size is no matter."""

import json
import shutil
from pathlib import Path

import tensorflow as tf


class Light(tf.Module):
    """Classes by the mean colour; as an export of a model without attention."""

    def __init__(self, classes: int):
        self._kernel = tf.Variable(tf.random.stateless_normal((3, classes), (0, 0)))

    @tf.function(
        input_signature=[tf.TensorSpec((None, 32, 32, 3), tf.uint8, "images")],
        autograph=False,
    )
    def serve(self, images):
        images = tf.cast(tf.ensure_shape(images, (None, 32, 32, 3)), tf.float32)
        scores = tf.reduce_mean(images, (1, 2)) @ self._kernel
        top = tf.math.top_k(scores, min(5, scores.shape[-1])).indices
        return {
            "probabilities": tf.nn.softmax(scores),
            "top_classes": top,
            "top_names": tf.strings.as_string(top),
        }


def lighter(export: Path, folder: Path) -> Path:
    """A copy of an export whose version 1 is of such a model."""
    from ltpa_tf import serving

    shutil.copytree(export, folder)
    shutil.rmtree(folder / "1")
    names = json.loads((export / "1/class_names.json").read_text())
    model = Light(len(names))
    tf.saved_model.save(model, str(folder / "1"), {"serving_default": model.serve})
    shutil.copy(export / "1/class_names.json", folder / "1")
    serving.label(folder, {"stable": 1, "canary": 1}, str(folder))
    return folder


def small_batches(base: Path) -> Path:
    """Makes a folder for exports of whose warm-up one size of batches is enough."""
    base.mkdir(parents=True)
    (base / "batching.config").write_text(
        "max_batch_size { value: 5 } allowed_batch_sizes: 5"
    )
    return base
