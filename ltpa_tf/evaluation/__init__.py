"""Numbers about a trained model."""

from ltpa_tf.evaluation.evaluate import evaluate
from ltpa_tf.evaluation.figures import save_figures

__all__ = ["evaluate", "save_figures"]
