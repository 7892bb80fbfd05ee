"""Learning rates by the step."""

import math

import keras
from keras import ops
from ml_collections import ConfigDict


@keras.saving.register_keras_serializable(package="ltpa_tf")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Rises in a straight line to the peak, then falls by one of four rules.

    The rate at step s (counted from 0), with peak p, w steps of warm-up and n in all:

    * s < w: p (s + 1) / w, so that no step is lost at rate 0 and the last of them
      has the peak's;
    * `"cosine"`: p (1 + cos(pi t)) / 2 with t = (s - w) / (n - w);
    * `"triangular"`: p (1 - t);
    * `"step"`: p, multiplied by `step_factor` at step `first_step` and every
      `step_size` steps from there, counted from step 0; the first `rises` times it is
      divided by it instead;
    * `"constant"`: p.

    Args:
        rule: One of the four.
        peak: The highest rate.
        warmup_steps: w.
        total_steps: n.
        step_size: Steps between two falls of `"step"`.
        step_factor: What each of them multiplies by.
        first_step: Of the first; None: `step_size`.
        rises: How many of them raise the rate.

    Example:
        >>> rate = optimizers.WarmUp("cosine", 0.1, warmup_steps=10, total_steps=100)
        >>> round(float(rate(10)), 6), float(rate(100))
        (0.1, 0.0)
    """

    def __init__(
        self,
        rule: str,
        peak: float,
        warmup_steps: int,
        total_steps: int,
        step_size: int = 1,
        step_factor: float = 0.5,
        first_step: int | None = None,
        rises: int = 0,
    ):
        self.rule = rule
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.step_size = step_size
        self.step_factor = step_factor
        self.first_step = step_size if first_step is None else first_step
        self.rises = rises

    def __call__(self, step):
        """The rate, float32, at `step`, an integer scalar."""
        step = ops.cast(step, "float32")
        after = max(1, self.total_steps - self.warmup_steps)
        progress = ops.clip((step - self.warmup_steps) / after, 0.0, 1.0)
        if self.rule == "cosine":
            factor = 0.5 * (1.0 + ops.cos(math.pi * progress))
        elif self.rule == "triangular":
            factor = 1.0 - progress
        elif self.rule == "step":
            earlier = self.step_size - self.first_step
            falls = ops.floor((step + earlier) / self.step_size)
            falls = ops.maximum(falls, 0.0)
            falls -= 2 * ops.minimum(falls, float(self.rises))
            factor = ops.power(self.step_factor, falls)
        else:
            factor = ops.ones_like(step)
        rise = (step + 1.0) / max(1, self.warmup_steps)
        return self.peak * ops.where(step < self.warmup_steps, rise, factor)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            "rule": self.rule,
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
            "step_size": self.step_size,
            "step_factor": self.step_factor,
            "first_step": self.first_step,
            "rises": self.rises,
        }


def make_schedule(
    config: ConfigDict, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule | float:
    """The learning rate of `config.optimizer`.

    Returns:
        A schedule; for a constant rate without warm-up a plain number, which Keras's
        own callbacks (`ReduceLROnPlateau`, `LearningRateScheduler`) can then change.

    Example:
        >>> from ltpa_tf.configs import quickstart
        >>> schedule = optimizers.make_schedule(quickstart.get_config(), 100)
        >>> round(float(schedule(100)), 6)  # after one epoch of warm-up
        0.1
    """
    settings = config.optimizer
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    if settings.schedule == "constant" and not warmup:
        return settings.learning_rate
    return WarmUp(
        settings.schedule,
        settings.learning_rate,
        warmup_steps=warmup,
        total_steps=config.train.epochs * steps_per_epoch,
        step_size=settings.step_epochs * steps_per_epoch,
        step_factor=settings.step_factor,
        first_step=(settings.step_first or settings.step_epochs) * steps_per_epoch,
        rises=settings.step_rises,
    )
