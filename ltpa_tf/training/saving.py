"""When a run saves, what it saves, and where it goes on."""

import dataclasses
import functools
import time
from collections.abc import Callable

from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder, check_object
from ltpa_tf.training import distribution
from ltpa_tf.training.background import Background
from ltpa_tf.training.checkpoints import Checkpoints
from ltpa_tf.training.parts import Parts
from ltpa_tf.training.records import Metrics
from ltpa_tf.words import count


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
        check_object(stored, kinds)
        return cls(**{name: stored[name] for name in kinds})


class Saver:
    """Keeps a run's state on disk while it trains.

    The chief writes, in the background; all workers decide and restore alike.

    Args:
        parts: What is trained with.
        folder: The run folder.
        metrics: The run's `metrics.jsonl`.
        say: Takes a sentence for the user.
        save_model: Writes the model with given weights: `(weights, local, file)`; runs
            in the background.

    Attributes:
        position: Where the run is.
    """

    def __init__(
        self,
        parts: Parts,
        folder: RunFolder,
        metrics: Metrics,
        say: Callable[[str], None],
        save_model: Callable,
    ):
        self._settings = parts.config.checkpoint
        self._steps_per_epoch = parts.steps_per_epoch
        self._state = parts.state
        self._folder = folder
        self._metrics = metrics
        self._say = say
        self._save_model = save_model
        self._chief = distribution.is_chief(parts.strategy)
        self._agreement = distribution.Agreement(parts.strategy)
        self._checkpoints = Checkpoints(
            folder.checkpoints, self._settings.keep, say, Position.parse
        )
        self._files = Background()
        self._started = self._last_save = time.monotonic()
        self._earlier_seconds = 0.0
        self.position = Position()

    def restore(self) -> None:
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
        if self._chief:
            self._rewind_metrics()
        self._earlier_seconds = self.position.seconds

    def _rewind_metrics(self) -> None:
        """Says if lines are lost: they are no reason to lose the run as well."""
        epochs = self.position.step // self._steps_per_epoch
        lines = self._metrics.rewind(self.position.step)
        if lines < epochs:
            self._say(
                f"{self._folder.metrics_file} was changed by someone else: of "
                f"{count(epochs, 'epoch')} it has only {lines}. The run goes on "
                "without the others."
            )

    def steps_to_save(self, step: int) -> int:
        """Steps until a save is due; a call takes no more."""
        every = self._settings.every_steps
        return every - step % every if every else 2**31 - 1

    def decide(
        self, *, stop: bool, at_epoch_end: bool, finished: bool
    ) -> tuple[bool, bool]:
        """Whether to save, and whether to stop, now; all workers get the same answer.

        Raises:
            Exception: What went wrong with an earlier save.
        """
        self._files.check()
        minutes = (time.monotonic() - self._last_save) / 60
        settings = self._settings
        due = (
            finished
            # Where an epoch is shorter than a save, the next one's end will do.
            or (at_epoch_end and not self._files.busy)
            or (settings.every_steps and self.position.step % settings.every_steps == 0)
            or 0 < settings.every_minutes <= minutes
        )
        save, stop = self._agreement.reach(bool(due), stop)
        return save or stop, stop

    def anyone(self, wants: bool) -> bool:
        """Whether any worker wants to."""
        return self._agreement.reach(save=False, stop=wants)[1]

    def save(self) -> None:
        """Copies the state, and writes the copy in the background."""
        self.position.seconds = self.seconds
        arrays = self._state.to_arrays()
        if self._chief:
            position = dataclasses.asdict(self.position)
            self._files.submit(
                functools.partial(
                    self._checkpoints.save, self.position.step, arrays, position
                )
            )
        self._last_save = time.monotonic()

    def save_best(self) -> None:
        """Writes `best.keras`, before any checkpoint that knows of it."""
        if self._chief:
            weights, local = self._state.evaluation_arrays()
            self._files.submit(
                functools.partial(
                    self._save_model, weights, local, self._folder.best_file
                )
            )

    def newest(self) -> int | None:
        """The step of the newest checkpoint."""
        return next(iter(self._checkpoints.steps()), None)

    @property
    def seconds(self) -> float:
        """Spent on the run so far, over all starts."""
        return self._earlier_seconds + time.monotonic() - self._started

    def wait(self) -> None:
        """Returns when everything is written; raises what went wrong."""
        self._files.wait()

    def close(self) -> None:
        """Ends the background, whatever became of it."""
        self._files.close()
