"""An export as MLflow's models are: images in, arrays by name out."""

import numpy as np
import tensorflow as tf


class Export:
    """What `mlflow.pyfunc.load_model` gives.

    Args:
        path: The version's folder.
    """

    def __init__(self, path: str):
        self._model = tf.saved_model.load(path)
        signatures = self._model.signatures
        self._answer = signatures.get("attention_maps") or signatures["serving_default"]

    def predict(self, images: np.ndarray | dict) -> dict[str, np.ndarray]:
        """uint8 `[N, H, W, 3]` -> the signature's outputs."""
        images = images["images"] if isinstance(images, dict) else images
        found = self._answer(images=tf.constant(images, tf.uint8))
        return {name: value.numpy() for name, value in found.items()}


def _load_pyfunc(path: str) -> Export:
    return Export(path)
