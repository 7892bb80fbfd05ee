"""Figures of what a trained model attends to. Importing this needs no TensorFlow."""

from ltpa_tf.explain.explanation import Explanation, explain
from ltpa_tf.explain.figure import attention_figure, draw
from ltpa_tf.explain.maps import relative, upsample
from ltpa_tf.explain.overlay import overlay
from ltpa_tf.explain.run_pictures import explain_images, explain_run
from ltpa_tf.plotting.style import save

__all__ = [
    "Explanation",
    "attention_figure",
    "draw",
    "explain",
    "explain_images",
    "explain_run",
    "overlay",
    "relative",
    "save",
    "upsample",
]
