"""Why a training run ends before its last step.

Exit codes from 128 up say that the same command, started again, continues; lower ones
that something must be put right first. Kubeflow's `ExitCode` restart policy reads them
the same way.
"""

from ltpa_tf.errors import WorkError


class TrainingError(WorkError):
    """A run that can't go on."""


class NonFiniteError(TrainingError):
    """The loss, the gradient or a weight is NaN or infinite; nothing of it is saved."""

    exit_code = 3


class CheckpointError(TrainingError):
    """A checkpoint can't be written, or none of those that are there can be read."""

    exit_code = 4


class WorkerLostError(TrainingError):
    """Another process of the same run has ended or can't be reached."""

    exit_code = 138  # Kubeflow's number for "try again"


class Interrupted(TrainingError):
    """A signal asked the run to stop; it saved its state first."""

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code
