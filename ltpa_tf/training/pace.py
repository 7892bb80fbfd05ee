"""How many steps one call takes."""

import tensorflow as tf

from ltpa_tf.training import distribution


class Pace:
    """Steps per call: as set, or found by itself.

    Whatever the number, the result is the same bit for bit. Few steps a call show
    progress, answer signals and save in time; many cost less Python. So calls grow
    until they last a good part of a second.

    Args:
        fixed: `runtime.steps_per_call`; 0 = by itself.
        strategy: Several workers must take the same number, so they can't measure.
    """

    _SHORT, _LONG = 0.25, 1.0  # seconds
    _MOST = 512

    _WITH_WORKERS = 10

    def __init__(self, fixed: int, strategy: tf.distribute.Strategy):
        if not fixed and distribution.workers(strategy) > 1:
            fixed = self._WITH_WORKERS
        self._fixed = fixed
        self._steps = fixed or 1

    def steps(self, *limits: int) -> int:
        """Steps of the next call, at most the smallest limit."""
        return min(self._steps, *limits)

    def took(self, steps: int, seconds: float) -> None:
        """Tells how long a call of so many steps lasted."""
        if self._fixed:
            return
        if seconds < self._SHORT and steps == self._steps:
            self._steps = min(2 * self._steps, self._MOST)
        elif seconds > self._LONG:
            self._steps = max(1, self._steps // 2)
