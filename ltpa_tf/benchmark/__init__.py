"""How fast a training step is, and what it depends on."""

from ltpa_tf.benchmark.figure import scaling_figure
from ltpa_tf.benchmark.measure import measure
from ltpa_tf.benchmark.points import AXES, Point, points
from ltpa_tf.benchmark.turn import Turn

__all__ = ["AXES", "Point", "Turn", "measure", "points", "scaling_figure"]
