"""The training loop."""

import math
import time

from ltpa_tf.training.callbacks import Callbacks
from ltpa_tf.training.errors import NonFiniteError
from ltpa_tf.training.journal import Journal, means
from ltpa_tf.training.pace import Pace
from ltpa_tf.training.parts import Parts
from ltpa_tf.training.saving import Saver
from ltpa_tf.training.signals import StopSignals


class Loop:
    """Runs a config's epochs from wherever its checkpoints left off.

    Args:
        parts: What to train with.
        saver: Saves and restores.
        journal: Takes what there is to tell.
        callbacks: Keras callbacks.
        signals: Tells when to stop.
        pace: How many steps a call takes.
    """

    def __init__(
        self,
        parts: Parts,
        saver: Saver,
        journal: Journal,
        callbacks: Callbacks,
        signals: StopSignals,
        pace: Pace,
    ):
        self._parts = parts
        self._saver = saver
        self._journal = journal
        self._callbacks = callbacks
        self._signals = signals
        self._pace = pace
        self._total = parts.config.train.epochs * parts.steps_per_epoch
        self._clock = _Clock(parts.config.train.batch_size)
        self._iterator = None
        self._started = False
        self._pending = None  # the last call's report, not yet waited for
        self._figures: dict[str, float] = {}

    def run(self) -> None:
        """Trains to the end, or until something stops it.

        Raises:
            TrainingError: If it can't go on, or a signal stopped it.
        """
        try:
            self._saver.restore()
            self._callbacks.train_begin(self._saver.position.step)
            if self._finished:
                self._settle()  # it was killed after the last checkpoint
            while not self._finished:
                self._run_epoch()
            self._callbacks.train_end()
            self._saver.wait()
        finally:
            self._saver.close()

    @property
    def _finished(self) -> bool:
        position = self._saver.position
        return position.stopped or position.step == self._total

    def _run_epoch(self) -> None:
        position, steps = self._saver.position, self._parts.steps_per_epoch
        epoch = position.step // steps
        end = (epoch + 1) * steps
        self._callbacks.epoch_begin(epoch)
        self._clock.restart()
        while position.step < end:
            if position.step == end - 1:
                earlier = self._parts.state.weights()
            self._call(end)
            if position.step < end:
                self._save_if_due()
        self._wait()
        self._measure_update(earlier)
        self._end_epoch(epoch)
        self._save_if_due(at_epoch_end=True)

    def _call(self, end: int) -> None:
        """One call of the compiled program, up to step `end` at most."""
        step = self._saver.position.step
        first = end - self._parts.steps_per_epoch
        self._journal.board.profile(step)
        if self._callbacks:
            self._callbacks.batch_begin(step - first)
        if not self._started or step == self._parts.program.small_steps:
            self._first_call(step)
        else:
            self._usual_call(step, end)
        if self._callbacks:
            self._wait()
            step = self._saver.position.step
            self._callbacks.batch_end(step - 1 - first, step, self._figures)

    def _usual_call(self, step: int, end: int) -> None:
        """As many steps as suit."""
        full_size = self._parts.program.small_steps
        steps = self._pace.steps(
            max(1, end - 1 - step),  # the last one alone: its update is measured
            full_size - step if step < full_size else end - step,
            self._saver.steps_to_save(step),
            self._journal.board.steps_to_border(step),
        )
        before = time.monotonic()
        earlier = self._start(steps)
        if earlier is not None:
            self._look(earlier)
        self._pace.took(steps, time.monotonic() - before)
        self._clock.steps += steps

    def _first_call(self, step: int) -> None:
        """A single step, which takes long: it is traced and compiled."""
        self._wait()
        self._iterator = self._parts.feed.iterator(step)
        if self._parts.jit:
            with self._journal.screen.waiting("Compiling the step with XLA"):
                self._start(1)
                self._wait()
        else:
            self._start(1)
            self._wait()
        self._started = True
        self._clock.restart()

    def _start(self, steps: int):
        """Starts a call; returns the report of the one before, which is done by now.

        An accelerator works on a call while Python prepares the next one: waiting for
        each report at once would leave it idle in between.
        """
        position = self._saver.position
        report = self._parts.program.train(self._iterator, position.step, steps)
        position.step += steps
        earlier, self._pending = self._pending, report
        return earlier

    def _wait(self) -> None:
        """Waits for everything that was started."""
        report, self._pending = self._pending, None
        if report is not None:
            self._look(report)

    def _look(self, report) -> None:
        """Checks a report and tells it."""
        sums, bad_step = report[0].numpy(), int(report[1])
        if bad_step >= 0:
            raise NonFiniteError(
                self._explain("Loss or gradient", bad_step, "no weight was changed")
            )
        self._figures = means(sums)
        self._journal.step(
            self._saver.position.step, self._figures | self._clock.figures()
        )

    def _explain(self, what: str, step: int, so: str) -> str:
        """What was not finite at a step, and what became of it."""
        newest = self._saver.newest()
        kept = "There is no checkpoint yet."
        if newest is not None:
            kept = f"The checkpoint of step {newest} is kept."
        epoch = step // self._parts.steps_per_epoch + 1
        return (
            f"{what} was not finite at step {step} (epoch {epoch}); {so}. {kept} A "
            "lower optimizer.learning_rate, a longer optimizer.warmup_epochs or "
            "train.clip_norm may help."
        )

    def _measure_update(self, earlier: list) -> None:
        """Adds the norms of the weights and of the epoch's last update.

        In every step they would be a sixth of all the kernels that a GPU starts.
        """
        self._figures["weight_norm"] = self._checked_weight_norm()
        self._figures["update_norm"] = float(self._parts.state.update_norm(earlier))

    def _checked_weight_norm(self) -> float:
        """The weights' norm, before anyone sees or saves them.

        An update can be too large for float32 though loss and gradient aren't; the next
        step's loss would tell, too late.
        """
        norm = float(self._parts.state.weight_norm())
        if not math.isfinite(norm):
            last = self._saver.position.step - 1
            raise NonFiniteError(
                self._explain("The weights' norm", last, "they were not saved")
            )
        return norm

    def _end_epoch(self, epoch: int) -> None:
        parts, position = self._parts, self._saver.position
        if "loss" not in self._figures:
            self._journal.screen.say(
                "Every step of this epoch was skipped: gradients were too large for "
                "float16. The loss scale is half as large after each."
            )
        self._settle()
        line = {
            "epoch": epoch + 1,
            "step": position.step,
            **self._figures,
            "learning_rate": self._learning_rate(position.step - 1),
            **self._clock.figures(),
        }
        if parts.validation is not None:
            found = parts.validation.evaluate()
            line |= {f"val_{name}": value for name, value in found.items()}
            self._consider_best(epoch + 1, line["val_accuracy"])
        line = self._journal.epoch(line, parts.state)
        stop = False
        if self._callbacks:
            del line["epoch"]
            stop = self._callbacks.epoch_end(epoch, line)
        position.stopped |= self._saver.anyone(stop)
        parts.state.reset_sums()

    def _settle(self) -> None:
        """Makes the weights and statistics that are evaluated and saved."""
        self._parts.state.average_local()
        if self._parts.estimate is not None:
            self._parts.estimate()

    def _consider_best(self, epoch: int, accuracy: float) -> None:
        position = self._saver.position
        patience = self._parts.config.train.early_stopping
        if accuracy > position.best:
            position.best, position.best_epoch = accuracy, epoch
            self._saver.save_best()
        elif patience and epoch - position.best_epoch >= patience:
            self._journal.screen.say(
                "Stopping early: validation accuracy was best in epoch "
                f"{position.best_epoch}, {position.best:.2%}."
            )
            position.stopped = True

    def _save_if_due(self, *, at_epoch_end: bool = False) -> None:
        """Saves when it is time; stops, saved, when a signal asked for it."""
        save, stop = self._saver.decide(
            stop=self._signals.received is not None,
            at_epoch_end=at_epoch_end,
            finished=self._finished,
        )
        if save:
            self._wait()
            self._checked_weight_norm()
            self._saver.save()
        if stop and not self._finished:
            self._saver.wait()
            raise self._signals.error(self._saver.position.step)

    def _learning_rate(self, step: int) -> float:
        schedule = self._parts.schedule
        if isinstance(schedule, float):
            return self._parts.state.learning_rate
        return float(schedule(step))


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
        images = self.steps * self._batch_size
        return {"seconds": seconds, "images_per_second": images / seconds}
