"""What is seen on screen while a run trains."""

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)


class Screen:
    """A progress bar on a terminal; elsewhere a plain line every few seconds.

    Args:
        epochs: Epochs of the whole run.
        steps_per_epoch: Steps of each.
        batch_size: Images of a step.
        every_seconds: Between two lines where there is no terminal.
        quiet: Show nothing: this process is not the one that speaks.
    """

    def __init__(
        self,
        epochs: int,
        steps_per_epoch: int,
        batch_size: int,
        *,
        every_seconds: float = 10.0,
        quiet: bool = False,
    ):
        self._epochs = epochs
        self._steps_per_epoch = steps_per_epoch
        self._batch_size = batch_size
        self._every_seconds = every_seconds
        self._console = Console(
            stderr=True, highlight=False, soft_wrap=True, quiet=quiet
        )
        self._bar = None
        self._last_line = time.monotonic()
        if self._console.is_terminal and not quiet:
            self._bar = Progress(
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[figures]}"),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=self._console,
                transient=True,
            )

    def __enter__(self) -> "Screen":
        if self._bar is not None:
            self._task = self._bar.add_task(
                "train",
                total=self._epochs * self._steps_per_epoch,
                epoch="",
                figures="",
            )
            self._bar.start()
        return self

    def __exit__(self, *error) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, sentence: str) -> None:
        """A line that stays."""
        self._console.print(sentence, markup=False)

    def step(self, step: int, figures: dict[str, float]) -> None:
        """The state after `step` steps.

        Args:
            step: Global steps done.
            figures: Loss, accuracy, images per second; of them those that are known.
        """
        epoch = min(step // self._steps_per_epoch + 1, self._epochs)
        if self._bar is not None:
            self._bar.update(
                self._task,
                completed=step,
                epoch=f"{epoch}/{self._epochs}",
                figures=_text(figures),
            )
        elif time.monotonic() - self._last_line >= self._every_seconds:
            total = self._epochs * self._steps_per_epoch
            self.say(
                f"epoch {epoch}/{self._epochs}  step {step}/{total}  {_text(figures)}"
                f"{self._left(step, figures)}"
            )
            self._last_line = time.monotonic()

    def _left(self, step: int, figures: dict[str, float]) -> str:
        if "images_per_second" not in figures:
            return ""
        images = (self._epochs * self._steps_per_epoch - step) * self._batch_size
        return f"  {_duration(images / figures['images_per_second'])} left"

    def epoch(self, epoch: int, line: dict) -> None:
        """The results of an epoch (counted from 1)."""
        self.say(f"epoch {epoch}/{self._epochs}  {_text(line)}")
        self._last_line = time.monotonic()

    @contextlib.contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Says that something takes its time, and then how long it took."""
        self.say(f"{what} ...")
        start = time.monotonic()
        yield
        self.say(f"{what} took {time.monotonic() - start:.1f} s")


_FORMATS = {
    "loss": "loss {:.4f}",
    "accuracy": "accuracy {:.2%}",
    "val_loss": "validation loss {:.4f}",
    "val_accuracy": "validation accuracy {:.2%}",
    "images_per_second": "{:,.0f} images/s",
}


def _text(figures: dict[str, float]) -> str:
    return "  ".join(
        text.format(figures[key]) for key, text in _FORMATS.items() if key in figures
    )


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    )
