"""One training run of a trial, here or in a process of its own.

A process of its own gives back all memory, takes the search along in no crash, and may
make its own distribution strategy, of which a process can have but one.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading
import traceback
from pathlib import Path

from ltpa_tf import files, quiet, run
from ltpa_tf.errors import EnoughError, SettingError

# How an execution ends: for the last two, what shells report after SIGINT and SIGTERM.
DONE, FAILED, FATAL = 0, 10, 11
INTERRUPTED = 130, 143

# Trials train on one machine, whatever cluster the search itself runs on.
_CLUSTER = ("TF_CONFIG", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID")


@dataclasses.dataclass(frozen=True)
class Execution:
    """What to train.

    Attributes:
        config: The config as JSON.
        trial_folder: keras-tuner's folder of the trial.
        number: Of this execution in the trial, from 0.
        objective: A metric of `metrics.jsonl`.
        stop_after: Epochs after which Hyperband takes stock; 0 = the config's.
        median_from: See `MedianStopping`; 0 = off.
    """

    config: str
    trial_folder: str
    number: int
    objective: str
    stop_after: int = 0
    median_from: int = 0

    @property
    def folder(self) -> run.RunFolder:
        """The run folder."""
        return run.RunFolder(Path(self.trial_folder) / f"run_{self.number}")

    @property
    def reason_file(self) -> Path:
        """Where it says why a trial failed."""
        return Path(self.trial_folder) / "failure.txt"

    def run_here(self) -> int:
        """Trains, or goes on with it; returns one of the codes above."""
        from ltpa_tf import config, training
        from ltpa_tf.tuning.checks import FIXED

        self.reason_file.unlink(missing_ok=True)
        try:
            with quiet.retracing_expected():
                training.train(
                    config.from_json(self.config),
                    self.folder.path,
                    callbacks=self._callbacks(),
                    hparams=False,
                )
        except EnoughError:
            return DONE
        except training.Interrupted as error:
            return error.exit_code
        except training.CheckpointError as error:
            self._give_reason(error)
            return FATAL
        except (SettingError, training.TrainingError) as error:
            self._give_reason(error)
            # What is the same in all trials can be used in none.
            return FATAL if getattr(error, "setting", None) in FIXED else FAILED
        except Exception as error:
            traceback.print_exc()
            first_line = (str(error).splitlines() or [""])[0]
            self._give_reason(f"{type(error).__name__}: {first_line}")
            return FAILED
        return DONE

    def run_apart(self) -> int:
        """As `run_here`, in a new process; below 0 where a signal killed it."""
        paths = os.pathsep.join(path for path in sys.path if path)
        environment = {k: v for k, v in os.environ.items() if k not in _CLUSTER}
        with subprocess.Popen(
            [sys.executable, "-c", f"import {__name__} as it; it.main()"],
            stdin=subprocess.PIPE,
            bufsize=0,
            env=environment | {"PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C is for the search, which passes it on
        ) as process:
            try:
                line = json.dumps(dataclasses.asdict(self)) + "\n"
                with contextlib.suppress(BrokenPipeError):  # its exit code tells why
                    process.stdin.write(line.encode())
                code = process.wait()
            except BaseException:
                process.terminate()  # saves its state first
                process.wait()
                raise
        if code not in (DONE, FAILED, FATAL, *INTERRUPTED):
            self._give_reason(
                f"the training process was killed by signal {-code}; out of memory?"
                if code < 0
                else f"the training process ended with exit code {code}"
            )
        return code

    def _callbacks(self) -> list:
        from ltpa_tf.tuning.callbacks import MedianStopping, StopAfter

        callbacks = []
        if self.stop_after:
            callbacks.append(StopAfter(self.stop_after))
        if self.median_from:
            callbacks.append(
                MedianStopping(
                    Path(self.trial_folder),
                    self.folder.path,
                    self.objective,
                    self.median_from,
                )
            )
        return callbacks

    def _give_reason(self, reason: object) -> None:
        files.write_text(self.reason_file, f"{reason}\n")


def _end_with_parent() -> None:
    """Ends this process when the search has died: its pipe closes."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(INTERRUPTED[-1])


def main() -> None:
    """The process of `Execution.run_apart`."""
    quiet.start_tensorflow()
    execution = Execution(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(execution.run_here())
