"""Metrics of a trained model, and their figures."""

from ltpa_tf.evaluation.evaluate import evaluate
from ltpa_tf.evaluation.figures import save_figures
from ltpa_tf.evaluation.run_evaluation import evaluate_run

__all__ = ["evaluate", "evaluate_run", "save_figures"]
