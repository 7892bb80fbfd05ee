"""Runs in Weights & Biases; what it has there and how is said by its WANDB_... ."""

import uuid
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import wandb

from ltpa_tf.tracking.tracker import Tracker


class Run(Tracker):
    """A run in Weights & Biases, whose files are in the run folder's `wandb`.

    Args:
        to: The project.
        id: A run to continue; "" begins one.
        name: Its name.
        parameters: Its config.
        folder: The run folder.
    """

    title = "Weights & Biases"

    def __init__(
        self,
        to: str,
        id: str,
        name: str,
        parameters: Mapping[str, object],
        folder: Path,
    ):
        super().__init__()
        self.id = id or uuid.uuid4().hex[:8]
        self._run = wandb.init(
            project=to,
            id=self.id,
            resume="allow",
            name=name or None,
            config=dict(parameters),
            dir=str(folder),
            settings=wandb.Settings(console="off", silent=True),
        )

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """See `Tracker`."""
        self._run.log(dict(numbers), step=step)

    def log_pictures(self, step: int, pictures: np.ndarray) -> None:
        """See `Tracker`."""
        images = [wandb.Image(picture) for picture in pictures]
        self._run.log({"attention": images}, step=step)

    def log_export(self, version: Path, name: str, signature: Mapping) -> None:
        """See `Tracker`."""
        artifact = wandb.Artifact(
            name,
            type="model",
            description=(version / "model_card.md").read_text("utf-8"),
            metadata={"version": int(version.name), "signature": dict(signature)},
        )
        artifact.add_dir(str(version))
        self._run.log_artifact(artifact)

    def end(self, status: str) -> None:
        """See `Tracker`."""
        self._run.finish(exit_code=0 if status == "FINISHED" else 1)
