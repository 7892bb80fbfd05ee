"""keras-tuner's tuner over the project's own trainer."""

import shutil
import sys
import time
from pathlib import Path

import keras
import keras_tuner
from keras_tuner.engine import base_tuner
from ml_collections import ConfigDict

from ltpa_tf import config as config_lib
from ltpa_tf import run
from ltpa_tf.tuning import execution, histories, results
from ltpa_tf.tuning.space import Space


class Tuner(base_tuner.BaseTuner):
    """Runs trials through `ltpa_tf.training.train`.

    Which trials there are, their bookkeeping, and the work of several machines are
    keras-tuner's own. A trial is the folder `trial_N` with one run folder per
    execution: `run_0`, `run_1`, ...

    Args:
        oracle: Proposes trials, see `ltpa_tf.tuning.oracles`.
        space: Turns its values into configs.
        settings: `config.search`, checked.
        workdir: The search's folder.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        space: Space,
        settings: ConfigDict,
        workdir: Path,
    ):
        self._space = space
        self._settings = settings
        self._asked = False
        workdir = workdir.absolute()
        super().__init__(oracle, directory=workdir.parent, project_name=workdir.name)

    def pre_create_trial(self) -> None:
        """keras-tuner asks an idle oracle again and again, without a pause."""
        if self._asked:
            time.sleep(1.0)
        self._asked = True

    def on_trial_begin(self, trial) -> None:
        """Says what is tried."""
        self._asked = False
        found = self._space.settings(trial.hyperparameters.values)
        number = int(trial.trial_id)
        total = self._settings.trials
        place = f" ({number + 1} of {total})" if total else ""
        print(f"\ntrial {number}{place}: {results.in_words(found)}", flush=True)

    def run_trial(self, trial) -> list[dict[str, float]]:
        """Trains each execution, or goes on with it.

        Returns:
            The validation metrics of each one's best epoch; keras-tuner takes the mean.

        Raises:
            keras_tuner.errors.FailedTrialError: The trial can't be trained.
            keras_tuner.errors.FatalError: No trial could; it ends the search.
            SystemExit: A signal stopped the training, which saved its state.
        """
        values = trial.hyperparameters.values
        config = self._space.apply(self._space.settings(values))
        results = []
        for number in range(self._settings.executions):
            task = execution.Execution(
                config=config_lib.to_json(_with_seed(config, config.seed + number)),
                trial_folder=self.get_trial_dir(trial.trial_id),
                number=number,
                objective=self._settings.objective,
                stop_after=_rung(values, config.train.epochs),
                median_from=self._settings.median_from_epoch,
            )
            if "tuner/trial_id" in values:
                parent = Path(self.get_trial_dir(values["tuner/trial_id"]))
                _promote(parent / task.folder.path.name, task.folder.path)
            self._execute(task)
            results.append(self._result(task))
            if histories.verdict_file(task.folder.path).exists():
                break  # its other executions are spared
        return results

    def on_trial_end(self, trial) -> None:
        """Shows what is no trial's failure but a defect."""
        if trial.status == "INVALID":
            print(trial.message, file=sys.stderr, flush=True)
        super().on_trial_end(trial)

    def load_model(self, trial) -> keras.Model:
        """The trial's model of its first execution's best epoch, in float32."""
        folder = Path(self.get_trial_dir(trial.trial_id)) / "run_0"
        return run.RunFolder(folder).load_model("best")

    def _execute(self, task: execution.Execution) -> None:
        apart = self._settings.process_per_trial
        code = task.run_apart() if apart else task.run_here()
        if not apart:
            keras.utils.clear_session()
        if code in execution.INTERRUPTED:
            sys.exit(code)
        if code == execution.DONE:
            return
        reason = task.reason_file.read_text("utf-8").strip()
        if code == execution.FATAL:
            raise keras_tuner.errors.FatalError(reason)
        raise keras_tuner.errors.FailedTrialError(reason)

    def _result(self, task: execution.Execution) -> dict[str, float]:
        lines = histories.read(task.folder.metrics_file)
        best = histories.best_line(lines, task.objective)
        if best is None:
            raise keras_tuner.errors.FailedTrialError(
                f"no epoch had a finite {task.objective}"
            )
        return {key: value for key, value in best.items() if key.startswith("val_")}


def _with_seed(config: ConfigDict, seed: int) -> ConfigDict:
    copy = config.copy_and_resolve_references()
    copy.seed = seed
    return copy


def _rung(values: dict, epochs: int) -> int:
    """Epochs after which Hyperband takes stock; 0 if the trial goes to its end."""
    rung = values.get("tuner/epochs", epochs)
    return rung if rung < epochs else 0


def _promote(parent: Path, folder: Path) -> None:
    """Starts a run where Hyperband's earlier trial left it: whole, or not at all.

    The learning rate's schedule is that of the whole run from the first rung on, so a
    trial that reaches the last rung is bitwise the run that was never stopped.
    """
    if folder.exists():
        return
    aside = folder.with_name(f".{folder.name}")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(parent, aside)
    aside.rename(folder)
