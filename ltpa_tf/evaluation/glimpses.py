"""How many of a model's glimpses fall on the object."""

import keras
import numpy as np

from ltpa_tf import data
from ltpa_tf.models import glimpse_model


def on_object(locations: np.ndarray, boxes: np.ndarray, size: tuple[int, int]):
    """Which glimpses have their centre inside the box: boolean `[N, P, T]`.

    Args:
        locations: `[N, P, T, 2]`, see `models.glimpse_model`.
        boxes: int `[N, 4]`: top, left, bottom, right, the last two exclusive.
        size: `(H, W)` of the images.
    """
    points = (np.asarray(locations, np.float64) + 1) / 2 * size
    boxes = np.asarray(boxes)[:, None, None, :]
    return ((boxes[..., :2] <= points) & (points < boxes[..., 2:])).all(-1)


def measure(model: keras.Model, split: data.Split, batch_size: int = 256) -> dict:
    """Shares of glimpses on the object, over all images of a split that knows boxes.

    Returns:
        `on_object`, of all glimpses; `by_glimpse`, T shares, the first glimpse first;
        `centre`, what glimpses at the image's centre would have.
    """
    size = split.shape[:2]
    looking = glimpse_model(model)
    found = []
    for images, _, mask in data.evaluation_dataset(split, batch_size=batch_size):
        outputs = looking(keras.ops.cast(images, "float32"), training=False)
        found.append(np.asarray(outputs["locations"])[mask.numpy()])
    hits = on_object(np.concatenate(found), split.boxes, size)
    centre = on_object(np.zeros((len(split), 1, 1, 2)), split.boxes, size)
    return {
        "on_object": float(hits.mean()),
        "by_glimpse": hits.mean((0, 1)).tolist(),
        "centre": float(centre.mean()),
    }
