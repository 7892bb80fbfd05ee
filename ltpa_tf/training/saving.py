"""When a run saves, what it saves, and where it goes on."""

import dataclasses
import math
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import keras
from ml_collections import ConfigDict

from ltpa_tf import distribution, files, model_file, run
from ltpa_tf.checkpoints import Checkpoints
from ltpa_tf.errors import Interrupted, NonFiniteError, SettingError
from ltpa_tf.training.network import set_weights
from ltpa_tf.training.trainer import Trainer


@dataclasses.dataclass
class Position:
    """Where a run is; saved in every checkpoint beside the arrays.

    Attributes:
        step: Steps done.
        best: The best validation accuracy; -1 before the first.
        best_epoch: Its epoch, counted from 1.
        seconds: Spent so far, over all starts.
        stopped: Whether a callback or early stopping has ended the run.
    """

    step: int = 0
    best: float = -1.0
    best_epoch: int = 0
    seconds: float = 0.0
    stopped: bool = False

    @classmethod
    def parse(cls, stored: dict) -> "Position":
        """The position that a checkpoint holds.

        Raises:
            ValueError: If a field is missing or of another type.
        """
        kinds = {field.name: type(field.default) for field in dataclasses.fields(cls)}
        files.check_object(stored, kinds)
        return cls(**{name: stored[name] for name in kinds})


class CheckpointManager:
    """Keeps a run's state on disk while it trains.

    The chief writes, in a thread of its own and in order: a checkpoint that knows of a
    best model is there after that model's file. All workers decide and restore alike.

    Args:
        trainer: What is trained with.
        folder: The run folder.
        settings: `config.checkpoint`.
        model: A model in float32, by which the best weights are written.
        say: Takes a sentence for the user.
        saved: Called after each checkpoint, in the thread that writes it.

    Attributes:
        position: Where the run is.
    """

    def __init__(
        self,
        trainer: Trainer,
        folder: run.RunFolder,
        settings: ConfigDict,
        model: keras.Model,
        say: Callable[[str], None],
        saved: Callable[[], None] = lambda: None,
    ):
        self._settings = settings
        self._steps_per_epoch = trainer.steps_per_epoch
        self._total_steps = trainer.total_steps
        self._state = trainer.state
        self._folder = folder
        self._model = model
        self._say = say
        self._saved = saved
        self._chief = distribution.is_chief(trainer.strategy)
        self._agreement = distribution.Agreement(trainer.strategy)
        self._checkpoints = Checkpoints(
            folder.checkpoints, settings.keep, say, Position.parse
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="files")
        self._jobs: list[Future] = []
        self._saving: Future | None = None
        self._started = self._last_save = time.monotonic()
        self._earlier_seconds = 0.0
        self.position = Position()

    def restore(self) -> Position:
        """Takes over the newest whole checkpoint, if there is one.

        Raises:
            CheckpointError: There are checkpoints, but none can be read.
            SettingError: If the checkpoint is another model's.
        """
        found = self._checkpoints.latest() if self._chief else None
        step = self._agreement.of_chief(found[1].step if found else -1)
        if not self._chief and step >= 0:
            found = self._checkpoints.read(step)
        if found:
            arrays, self.position = found
            try:
                self._state.from_arrays(arrays)
            except ValueError as error:
                raise SettingError(
                    str(self._folder.checkpoints),
                    f"the checkpoint of another model or optimizer ({error})",
                    "this run's own checkpoints; without the folder it starts anew",
                ) from None
            self._say(f"Continuing after step {step}.")
        self._earlier_seconds = self.position.seconds
        return self.position

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or something has ended the run before."""
        return self.position.stopped or self.position.step == self._total_steps

    def steps_to_save(self) -> int:
        """Steps until a save is due; a call takes no more."""
        every = self._settings.every_steps
        return every - self.position.step % every if every else 2**31 - 1

    def save_if_due(
        self,
        stop_signal: int | None,
        *,
        ready: Callable[[], object] = lambda: None,
        at_epoch_end: bool = False,
    ) -> None:
        """Saves when it is time; all workers alike.

        Args:
            stop_signal: A signal that asks to stop, once everything is saved.
            ready: Called before saving; raises if the state is not to be saved.
            at_epoch_end: Whether an epoch has ended.

        Raises:
            Interrupted: If any worker had a signal, unless the run has ended.
            Exception: What went wrong with an earlier save.
        """
        self._check()
        every, minutes = self._settings.every_steps, self._settings.every_minutes
        since = (time.monotonic() - self._last_save) / 60
        due = (
            self.finished
            # Where an epoch is shorter than a save, the next one's end will do.
            or (at_epoch_end and (self._saving is None or self._saving.done()))
            or (every and self.position.step % every == 0)
            or 0 < minutes <= since
        )
        save, stop = self._agreement.reach(bool(due), stop_signal is not None)
        if save or stop:
            ready()
            self.save()
        if stop and not self.finished:
            self.wait()
            number = stop_signal or signal.SIGTERM
            raise Interrupted(
                f"Stopped by {signal.Signals(number).name} after step "
                f"{self.position.step}, which is saved. Start again with the same "
                "--workdir to continue.",
                exit_code=128 + number,
            )

    def save(self) -> None:
        """Copies the state, and writes the copy in the background.

        Raises:
            NonFiniteError: If the weights aren't finite; they are not saved.
        """
        self.weight_norm()
        self.position.seconds = self.seconds
        step, arrays = self.position.step, self._state.to_arrays()
        if self._chief:
            position = dataclasses.asdict(self.position)
            save = self._checkpoints.save
            self._saving = self._submit(save, step, arrays, position)
            self._submit(self._saved)
        self._last_save = time.monotonic()

    def save_best(self) -> None:
        """Writes `best.keras`, before any checkpoint that knows of it."""
        if self._chief:
            weights, local = self._state.evaluation_arrays()
            self._submit(self._write_best, weights, local)

    def _write_best(self, weights: list, local: list) -> None:
        set_weights(self._model, weights, local)
        model_file.save_model(self._model, self._folder.best_file)

    def any_worker(self, wants: bool) -> bool:
        """Whether any worker wants to."""
        return self._agreement.reach(save=False, stop=wants)[1]

    def weight_norm(self) -> float:
        """The weights' norm, before anyone sees or saves them.

        An update can be too large for float32 though loss and gradient aren't; the next
        step's loss would tell, too late.

        Raises:
            NonFiniteError: If it isn't finite.
        """
        norm = float(self._state.weight_norm())
        if not math.isfinite(norm):
            last = self.position.step - 1
            raise self.not_finite("The weights' norm", last, "they were not saved")
        return norm

    def not_finite(self, what: str, step: int, so: str) -> NonFiniteError:
        """The error that says what was not finite at a step, and what became of it."""
        kept = "There is no checkpoint yet."
        if steps := self._checkpoints.steps():
            kept = f"The checkpoint of step {steps[0]} is kept."
        return NonFiniteError(
            f"{what} was not finite at step {step} "
            f"(epoch {step // self._steps_per_epoch + 1}); {so}. {kept} A lower "
            "optimizer.learning_rate, a longer optimizer.warmup_epochs or "
            "train.clip_norm may help."
        )

    @property
    def seconds(self) -> float:
        """Spent on the run so far, over all starts."""
        return self._earlier_seconds + time.monotonic() - self._started

    def wait(self) -> None:
        """Returns when everything is written; raises what went wrong."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.result()

    def close(self) -> None:
        """Waits for what is being written and ends the thread; raises nothing."""
        self._thread.shutdown(wait=True)

    def _submit(self, write: Callable, *arguments) -> Future:
        """Queues a job that gets copies; after an error no later one runs."""
        self._check()
        earlier = self._jobs[-1] if self._jobs else None

        def job():
            if earlier is None or earlier.exception() is None:
                write(*arguments)
            else:
                raise earlier.exception()

        self._jobs.append(self._thread.submit(job))
        return self._jobs[-1]

    def _check(self) -> None:
        """Raises what a job raised."""
        done = [job for job in self._jobs if job.done()]
        self._jobs = [job for job in self._jobs if job not in done]
        for job in done:
            job.result()
