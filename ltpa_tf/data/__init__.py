"""Where images come from, and the tf.data path from there to the model."""

from ltpa_tf.data.augmentation import Augmentation, augment
from ltpa_tf.data.labelled import labelled_folder
from ltpa_tf.data.loading import load
from ltpa_tf.data.pipeline import (
    evaluation_dataset,
    examples_of,
    steps_per_epoch,
    train_dataset,
)
from ltpa_tf.data.source import Source, Split, array_split
from ltpa_tf.images.fit import resize
from ltpa_tf.images.graph import decode_image

__all__ = [
    "Augmentation",
    "Source",
    "Split",
    "array_split",
    "augment",
    "decode_image",
    "evaluation_dataset",
    "examples_of",
    "labelled_folder",
    "load",
    "resize",
    "steps_per_epoch",
    "train_dataset",
]
