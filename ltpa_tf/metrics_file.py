"""What a run has told by epoch."""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import keras

from ltpa_tf import files
from ltpa_tf.words import count


class MetricsFile(keras.callbacks.Callback):
    """`metrics.jsonl`: one line of JSON per epoch.

    Args:
        file: The file; may not be there yet.
    """

    def __init__(self, file: Path):
        super().__init__()
        self._file = file

    def rewind(self, step: int) -> int:
        """Drops what was written after `step`, and what is not a whole line.

        Returns:
            The number of lines that are left.
        """
        lines = {at: line for at, line in self._lines().items() if at <= step}
        if self._file.exists():
            files.write_text(
                self._file, "".join(f"{line}\n" for line in lines.values())
            )
        return len(lines)

    def resume(
        self, step: int, steps_per_epoch: int, say: Callable[[str], None]
    ) -> None:
        """Rewinds; lines that are lost are no reason to lose the run as well."""
        epochs, lines = step // steps_per_epoch, self.rewind(step)
        if lines < epochs:
            say(
                f"{self._file} was changed by someone else: of "
                f"{count(epochs, 'epoch')} it has only {lines}. The run goes on "
                "without the others."
            )

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Writes the epoch's line."""
        # Keras hands out floats.
        self.append({"epoch": epoch + 1, **logs, "step": int(logs["step"])})

    def append(self, line: dict) -> None:
        """Writes a line through to the disk."""
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def line(self, step: int) -> dict:
        """The line of the epoch that ended with `step`; empty if there is none."""
        return json.loads(self._lines().get(step, "{}"))

    def epochs(self) -> list[dict]:
        """What was written, the first epoch first."""
        return [json.loads(line) for line in self._lines().values()]

    def _lines(self) -> dict[int, str]:
        """The whole lines by their step."""
        if not self._file.exists():
            return {}
        lines = {}
        for line in self._file.read_text("utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                epoch = files.check_object(json.loads(line), {"step": int})
                lines[epoch["step"]] = line
        return lines
