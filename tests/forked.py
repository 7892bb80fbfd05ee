"""Programs in processes that have imported TensorFlow before they begin.

Each has flags, streams, signals and an exit code of its own, as if started by
`python -m`, but not the five seconds of CPU that importing TensorFlow takes: it is
forked of a server, multiprocessing's, which imports and does nothing else, so that
there is no work of TensorFlow's that a fork could cut in two.
"""

import multiprocessing
import multiprocessing.forkserver
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tensorflow",
        "keras",
        "matplotlib.pyplot",
        "rich.progress",
        "ltpa_tf.evaluation",
        "ltpa_tf.report",
        "ltpa_tf.serving.run_export",
        "ltpa_tf.serving.server",
        "ltpa_tf.training",
    ]
)


class Forked(_CONTEXT.Process):
    """A process with those of `subprocess.Popen`'s methods that tests need."""

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self.join(timeout)
        if self.exitcode is None:
            raise subprocess.TimeoutExpired(self.name, timeout)
        return self.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def run(module: str, *flags: object, cwd: Path = ROOT, **environment: str):
    """As `subprocess.run` of `python -m MODULE FLAGS...`, with its output as text."""
    with tempfile.TemporaryDirectory() as folder:
        files = stdout, stderr = Path(folder, "stdout"), Path(folder, "stderr")
        code = start(module, *flags, files=files, cwd=cwd, **environment).wait()
        return subprocess.CompletedProcess(
            [module, *flags], code, stdout.read_text(), stderr.read_text()
        )


def start(
    module: str,
    *flags: object,
    files: tuple[Path, Path],
    cwd: Path = ROOT,
    **environment: str,
) -> Forked:
    """Begins `python -m MODULE FLAGS...`; stdout and stderr go to the files."""
    arguments = module, [*map(str, flags)], cwd
    return call(_run_module, *arguments, files=files, **environment)


def call(
    function: Callable[..., int | None],
    *arguments: object,
    files: tuple[Path, Path],
    **environment: str,
) -> Forked:
    """Begins `sys.exit(function(*arguments))`; stdout and stderr go to the files."""
    for file in files:
        file.touch()
    process = Forked(
        target=_become,
        name=function.__name__,
        args=(function, arguments, files, os.environ | environment),
    )
    process.start()
    return process


def stop_server() -> None:
    """Ends the server, if one was needed, so that it doesn't outlive the tests."""
    multiprocessing.forkserver._forkserver._stop()


def _become(function, arguments, files, environment):
    import tensorflow as tf

    # What it says meanwhile, programs that start TensorFlow themselves keep back.
    tf.config.list_physical_devices()
    # Ignored where the tests were started in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream, file in zip((1, 2), files, strict=True):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), stream)
    os.environ.clear()
    os.environ.update(environment)
    sys.exit(function(*arguments))


def _run_module(module, flags, cwd):
    os.chdir(cwd)
    sys.argv = [module, *flags]
    sys.path.insert(0, str(cwd))
    runpy.run_module(module, run_name="__main__", alter_sys=True)
