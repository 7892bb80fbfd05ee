"""Runs in MLflow, by its client alone: nothing of MLflow's global state is changed."""

import contextlib
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import requests
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

import ltpa_tf
from ltpa_tf.tracking.tracker import Tracker

_MOST = 100  # parameters at once


class Run(Tracker):
    """A run in MLflow; its experiment is MLFLOW_EXPERIMENT_NAME, or ltpa_tf.

    Args:
        to: The tracking URI.
        id: A run to continue; "" begins one.
        name: Its name.
        parameters: Logged when it begins.
        folder: Unused; MLflow keeps nothing here.
    """

    title = "MLflow"

    def __init__(
        self,
        to: str,
        id: str,
        name: str,
        parameters: Mapping[str, object],
        folder: Path,
    ):
        super().__init__()
        _reach(to)
        self._to = to
        self._client = MlflowClient(to)
        self._known = 0.0
        if id:
            run = self._client.get_run(id)
            self._client.update_run(id, status="RUNNING")
            # Epochs that are trained again since a kill are the same again.
            self._known = run.data.metrics.get("epoch", 0.0)
        else:
            title = os.environ.get("MLFLOW_EXPERIMENT_NAME", "ltpa_tf")
            found = self._client.get_experiment_by_name(title)
            experiment = (
                found.experiment_id if found else self._client.create_experiment(title)
            )
            run = self._client.create_run(experiment, run_name=name)
        self.id = run.info.run_id
        if not id:
            known = [Param(key, str(value)) for key, value in parameters.items()]
            for start in range(0, len(known), _MOST):
                some = known[start : start + _MOST]
                self._client.log_batch(self.id, params=some)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """See `Tracker`."""
        if numbers["epoch"] > self._known:
            now = int(time.time() * 1000)
            metrics = [Metric(key, value, now, step) for key, value in numbers.items()]
            self._client.log_batch(self.id, metrics=metrics)

    def log_pictures(self, step: int, pictures: np.ndarray) -> None:
        """See `Tracker`."""
        for number, picture in enumerate(pictures):
            key = f"attention_{number}"
            self._client.log_image(self.id, picture, key=key, step=step)

    def log_export(self, version: Path, name: str, signature: Mapping) -> None:
        """See `Tracker`; `mlflow.pyfunc.load_model("runs:/ID/export")` loads it."""
        # These need pandas, and their time.
        from mlflow import pyfunc
        from mlflow.models import ModelSignature
        from mlflow.types import Schema, TensorSpec

        inputs, outputs = (
            Schema(
                [TensorSpec(np.dtype(kind), shape, key) for key, kind, shape in part]
            )
            for part in (signature["inputs"], signature["outputs"])
        )
        with tempfile.TemporaryDirectory() as scratch:
            pyfunc.save_model(
                Path(scratch, "export"),
                loader_module="ltpa_tf.tracking.pyfunc",
                data_path=str(version),
                signature=ModelSignature(inputs, outputs),
                input_example=np.zeros((1, *signature["inputs"][0][2][1:]), np.uint8),
                pip_requirements=[f"ltpa_tf=={ltpa_tf.__version__}"],
                metadata={"name": name, "version": int(version.name)},
            )
            self._client.log_artifacts(self.id, scratch)
        card = (version / "model_card.md").read_text("utf-8")
        self._client.set_tag(self.id, "mlflow.note.content", card)

    def end(self, status: str) -> None:
        """See `Tracker`."""
        _reach(self._to)  # a training that is done shall not wait for nobody
        self._client.set_terminated(self.id, status)


def _reach(uri: str) -> None:
    """Fails within seconds where nobody answers: MLflow's client tries for minutes."""
    if uri.startswith(("http://", "https://")):
        # Which certificates count is for MLflow to say, by its own variables.
        with contextlib.suppress(requests.exceptions.SSLError):
            requests.head(uri, timeout=10)
