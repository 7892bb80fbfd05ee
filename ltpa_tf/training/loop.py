"""The training loop."""

import dataclasses
import functools
import math
import time

import keras
import numpy as np

from ltpa_tf.run import RunFolder
from ltpa_tf.training import distribution, records
from ltpa_tf.training.background import Background
from ltpa_tf.training.checkpoints import Checkpoints
from ltpa_tf.training.errors import NonFiniteError
from ltpa_tf.training.pace import Pace
from ltpa_tf.training.parts import Parts
from ltpa_tf.training.progress import Screen
from ltpa_tf.training.signals import StopSignals
from ltpa_tf.training.state import SUMS, set_weights


@dataclasses.dataclass
class Position:
    """Where a run is; saved in every checkpoint beside the arrays.

    Attributes:
        step: Steps done.
        best: The best validation accuracy; -1 before the first.
        best_epoch: Its epoch, counted from 1.
        metrics_bytes: Size of `metrics.jsonl`.
        seconds: Spent so far, over all starts.
        stopped: Whether a callback or early stopping has ended the run.
    """

    step: int = 0
    best: float = -1.0
    best_epoch: int = 0
    metrics_bytes: int = 0
    seconds: float = 0.0
    stopped: bool = False


class Loop:
    """Runs a config's epochs from wherever its checkpoints left off.

    Args:
        parts: What to train with.
        folder: The run folder.
        screen: Where progress is shown.
        callbacks: Keras callbacks.
        signals: Tells when to stop.
        save_model: Writes the model with given weights: `(weights, local, file)`; runs
            in the background.

    Attributes:
        weights: The model's weights and `local` that count at the end of an epoch.
    """

    def __init__(
        self,
        parts: Parts,
        folder: RunFolder,
        screen: Screen,
        callbacks: keras.callbacks.CallbackList,
        signals: StopSignals,
        save_model,
    ):
        config = parts.config
        self._parts = parts
        self._folder = folder
        self._screen = screen
        self._callbacks = callbacks
        self._signals = signals
        self._save_model = save_model
        self._chief = distribution.is_chief(parts.strategy)
        self._agreement = distribution.Agreement(parts.strategy)
        self._metrics = records.Metrics(folder.metrics_file)
        self._checkpoints = Checkpoints(
            folder.checkpoints, config.checkpoint.keep, screen.say
        )
        self._files = Background()
        self._pace = Pace(config.runtime.steps_per_call or self._agreement.pace)
        self._total = config.train.epochs * parts.steps_per_epoch
        self._position = Position()
        self._last_save = time.monotonic()
        self._pending = None  # the last call's report, not yet waited for
        self._iterator = None
        self._logs: dict[str, float] = {}
        self.weights: tuple[list, list] = ([], [])

    @property
    def position(self) -> Position:
        """Where the run is."""
        return self._position

    @property
    def last_line(self) -> dict:
        """The metrics of the last epoch."""
        return self._metrics.last()

    def run(self) -> None:
        """Trains to the end, or until something stops it.

        Raises:
            TrainingError: If it can't go on, or a signal stopped it.
        """
        self._started = time.monotonic()
        try:
            self._restore()
            self._callbacks.on_train_begin()
            if self._position.step == self._total or self._position.stopped:
                self._settle()  # killed after the last checkpoint
            while self._position.step < self._total and not self._position.stopped:
                self._run_epoch()
            self._callbacks.on_train_end()
            self._files.wait()
        finally:
            self._files.close()

    def _restore(self) -> None:
        """Takes over the newest whole checkpoint; on all workers the same."""
        found = self._checkpoints.latest() if self._chief else None
        step = self._agreement.of_chief(found[1]["step"] if found else -1)
        if not self._chief and step >= 0:
            found = self._checkpoints.read(step)
        if found:
            arrays, rest = found
            self._parts.state.from_arrays(arrays)
            self._position = Position(**rest)
            self._screen.say(f"Continuing after step {step}.")
        if self._chief:
            self._metrics.truncate(self._position.metrics_bytes)
        self._earlier_seconds = self._position.seconds

    def _run_epoch(self) -> None:
        spe = self._parts.steps_per_epoch
        epoch = self._position.step // spe
        end = (epoch + 1) * spe
        self._callbacks.on_epoch_begin(epoch)
        self._pull_learning_rate()
        clock = _Clock(self._parts.config.train.batch_size)
        while self._position.step < end:
            self._call(end, clock)
            if self._position.step < end:
                self._save_if_due()
        self._look(clock)
        self._end_epoch(epoch, clock)
        self._parts.state.reset_sums()
        self._save_if_due(at_epoch_end=True)

    def _call(self, end: int, clock: "_Clock") -> None:
        """One call of the compiled program, up to step `end` at most."""
        step, parts = self._position.step, self._parts
        first = self._iterator is None
        if first:
            self._iterator = parts.feed.iterator(step)
            if parts.jit:
                with self._screen.waiting("Compiling the training step with XLA"):
                    self._take(1)
                    self._look(clock)
            else:
                self._take(1)
            clock.restart()
            return
        limits = [end - step]
        if every := parts.config.checkpoint.every_steps:
            limits.append(every - step % every)
        steps = self._pace.steps(*limits)
        before = time.monotonic()
        waiting = self._take(steps)
        if waiting is not None:
            self._look(clock, waiting)
        self._pace.took(steps, time.monotonic() - before)
        clock.steps += steps
        if self._callbacks.callbacks:
            self._look(clock)
            self._callbacks.on_train_batch_end(
                self._position.step - 1 - (end - parts.steps_per_epoch), self._logs
            )

    def _take(self, steps: int):
        """Starts a call; returns the report of the one before, which is done by now.

        An accelerator works on a call while Python prepares the next one: looking at
        each report at once would leave it idle in between.
        """
        report = self._parts.program.train(self._iterator, self._position.step, steps)
        self._position.step += steps
        earlier, self._pending = self._pending, report
        return earlier

    def _look(self, clock: "_Clock", report=None) -> None:
        """Waits for a report, checks and shows it."""
        if report is None:
            report, self._pending = self._pending, None
            if report is None:
                return
        sums, bad_step = report[0].numpy(), int(report[1])
        if bad_step >= 0:
            raise NonFiniteError(self._explain_bad_step(bad_step))
        self._logs = _means(sums)
        self._screen.step(self._position.step, self._logs | clock.figures())

    def _explain_bad_step(self, step: int) -> str:
        kept = self._checkpoints.steps()
        checkpoint = (
            f"The checkpoint of step {kept[0]} is kept."
            if kept
            else "No checkpoint yet."
        )
        return (
            f"Loss or gradient was not finite at step {step} (epoch "
            f"{step // self._parts.steps_per_epoch + 1}); no weight was changed. "
            f"{checkpoint} A lower optimizer.learning_rate, a longer "
            "optimizer.warmup_epochs or train.clip_norm may help."
        )

    def _end_epoch(self, epoch: int, clock: "_Clock") -> None:
        parts, position = self._parts, self._position
        self._settle()
        line = {
            "epoch": epoch + 1,
            "step": position.step,
            **self._logs,
            "learning_rate": self._learning_rate(position.step - 1),
            **clock.figures(),
        }
        if parts.validation is not None:
            found = parts.validation.evaluate()
            line |= {f"val_{name}": value for name, value in found.items()}
            self._consider_best(epoch + 1, line["val_accuracy"])
        position.seconds = self._earlier_seconds + time.monotonic() - self._started
        if self._chief:
            self._metrics.append(line)
            position.metrics_bytes = self._metrics.size
        self._screen.epoch(epoch + 1, line)
        self._callbacks.on_epoch_end(
            epoch, {name: value for name, value in line.items() if name != "epoch"}
        )
        position.stopped |= parts.model.stop_training

    def _settle(self) -> None:
        """Makes the weights that count, and shows them in the Keras model."""
        parts = self._parts
        parts.state.average_local()
        if parts.estimate is not None:
            parts.estimate()
        self.weights = parts.state.evaluation_arrays()
        set_weights(parts.model, *self.weights)

    def _consider_best(self, epoch: int, accuracy: float) -> None:
        position = self._position
        patience = self._parts.config.train.early_stopping
        if accuracy > position.best:
            position.best, position.best_epoch = accuracy, epoch
            if self._chief:
                self._files.submit(
                    functools.partial(
                        self._save_model, *self.weights, self._folder.best_file
                    )
                )
        elif patience and epoch - position.best_epoch >= patience:
            self._screen.say(
                f"Stopping early: validation accuracy was best in epoch "
                f"{position.best_epoch}, {position.best:.2%}."
            )
            position.stopped = True

    def _save_if_due(self, *, at_epoch_end: bool = False) -> None:
        """Saves when it is time; stops, saved, when a signal asked for it."""
        self._files.check()
        settings, position = self._parts.config.checkpoint, self._position
        minutes = (time.monotonic() - self._last_save) / 60
        finished = position.stopped or position.step == self._total
        due = finished or (
            # An epoch shorter than a save: the next one's end will do.
            at_epoch_end and not self._files.busy
        )
        due |= bool(settings.every_steps) and position.step % settings.every_steps == 0
        due |= 0 < settings.every_minutes <= minutes
        due, stop = self._agreement.reach(due, self._signals.received is not None)
        if due or stop:
            self._save()
        if stop and not finished:
            self._files.wait()
            raise self._signals.error(position.step)

    def _save(self) -> None:
        """Copies the state and hands it to the background."""
        self._look(_Clock(0))
        self._position.seconds = (
            self._earlier_seconds + time.monotonic() - self._started
        )
        arrays = self._parts.state.to_arrays()
        if self._chief:
            self._files.submit(
                functools.partial(
                    self._checkpoints.save,
                    self._position.step,
                    arrays,
                    dataclasses.asdict(self._position),
                )
            )
        self._last_save = time.monotonic()

    def _learning_rate(self, step: int) -> float:
        schedule = self._parts.schedule
        if isinstance(schedule, float):
            return self._parts.state.learning_rate
        return float(schedule(step))

    def _pull_learning_rate(self) -> None:
        """Takes over what a callback did to the model's optimizer."""
        if isinstance(self._parts.schedule, float):
            rate = keras.ops.convert_to_numpy(self._parts.model.optimizer.learning_rate)
            self._parts.state.learning_rate = rate


class _Clock:
    """Images per second, of training alone."""

    def __init__(self, batch_size: int):
        self._batch_size = batch_size
        self.restart()

    def restart(self) -> None:
        self.steps = 0
        self._start = time.monotonic()

    def figures(self) -> dict[str, float]:
        seconds = time.monotonic() - self._start
        if not self.steps:
            return {}
        return {
            "seconds": seconds,
            "images_per_second": self.steps * self._batch_size / seconds,
        }


def _means(sums: np.ndarray) -> dict[str, float]:
    """The sums of `State.sums` as means over examples and updates."""
    total = dict(zip(SUMS, sums.tolist(), strict=True))
    examples = total["examples"] or math.nan
    updates = total["updates"] or math.nan
    return {
        "loss": total["loss"] / examples,
        "accuracy": total["correct"] / examples,
        "gradient_norm": total["gradient_norm"] / updates,
        "weight_norm": total["weight_norm"] / updates,
        "update_norm": total["update_norm"] / updates,
    }
