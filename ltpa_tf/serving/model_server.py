"""TensorFlow Serving's `tensorflow_model_server` as a process of its own."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import requests

from ltpa_tf.errors import SettingError
from ltpa_tf.serving import server_files
from ltpa_tf.serving.server.http_server import listen

IMAGE = "tensorflow/serving:2.20.0"
GRPC_THREADS, REST_THREADS = 128, 64
"""Of the server. A request that waits for its batch keeps one of them; by default there
are 4 a core, and the ninth request on 2 cores is answered RESOURCE_EXHAUSTED."""
_POLL_SECONDS = 2
_LAST_LINES = 5  # of its log, when it doesn't start


def find() -> list[str] | None:
    """The start of a command line that runs the server; None if there is none here.

    Looked for in this order: the file that the environment variable `TF_SERVING_BIN`
    names, `tensorflow_model_server` on the PATH, a Docker engine that answers.

    Raises:
        SettingError: If `TF_SERVING_BIN` names something that can't be run.
    """
    named = os.environ.get("TF_SERVING_BIN")
    if named:
        if not shutil.which(named):
            raise SettingError("TF_SERVING_BIN", named, "a file that can be run")
        return [named]
    installed = shutil.which("tensorflow_model_server")
    if installed:
        return [installed]
    docker = shutil.which("docker")
    if docker and not subprocess.run([docker, "info"], capture_output=True).returncode:
        # As its container's first process it would ignore that it is told to end.
        return [docker, "run", "--rm", "--init"]
    return None


class ModelServer:
    """A running `tensorflow_model_server`; a context manager.

    It polls the folder and `models.config`, so new versions and moved labels arrive by
    themselves.

    Args:
        base: What `export` wrote into.
        command: As `find` returns it.
        host: Address to listen on. Only Docker can keep it to this machine: the server
            itself listens on every interface and has no flag for that.
        rest_port: For REST.
        grpc_port: For gRPC.
        batching: Whether requests are put together, as `batching.config` says.
        cors: Whether pages of other sites may ask.
        log: File for what it says; by default it says it here.

    Attributes:
        name: Name of the model.
        url: Where REST is.
        grpc_address: Where gRPC is.

    Raises:
        SettingError: If it would listen on more than `host`.
    """

    def __init__(
        self,
        base: str | os.PathLike,
        command: Sequence[str],
        *,
        host: str = "127.0.0.1",
        rest_port: int = 8501,
        grpc_port: int = 8500,
        batching: bool = True,
        cors: bool = False,
        log: str | os.PathLike | None = None,
    ):
        if not can_listen_on(command, host):
            raise SettingError(
                "--host",
                host,
                f"0.0.0.0, as {command[0]} listens on every interface; or Docker, or "
                "the development server",
            )
        base = Path(base).resolve()
        self._log = Path(log) if log else None
        model = server_files.read_models(base)
        self.name = model.name if model else base.name
        self._listens = host, {"--rest_api_port": rest_port, "--port": grpc_port}
        reached = _shown({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host))
        self.url = f"http://{reached}:{rest_port}"
        self.grpc_address = f"{reached}:{grpc_port}"
        self._command = [
            *_prefix(command, base, host, (rest_port, grpc_port)),
            *arguments(base, rest_port, grpc_port, batching, cors),
        ]

    def __enter__(self) -> "ModelServer":
        """Starts it and waits until the model answers.

        Raises:
            SettingError: If it ends before, or one of the ports is taken.
        """
        host, ports = self._listens
        for flag, port in ports.items():  # or another one's answer would be for its own
            listen(flag, host, port).close()
        with self._log.open("wb") if self._log else contextlib.nullcontext() as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        try:
            while not self._available():
                if self._process.poll() is not None:
                    raise SettingError(
                        self._command[0],
                        f"ended with code {self._process.returncode}",
                        f"a server that starts; {self._last_words()}",
                    )
                time.sleep(0.2)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()

    @property
    def pid(self) -> int:
        """Of its process; with Docker, of the client that has started it."""
        return self._process.pid

    def _last_words(self) -> str:
        if not self._log:
            return "above is what it said"
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join([f"the end of {self._log}:", *lines[-_LAST_LINES:]])

    def _available(self) -> bool:
        try:
            response = requests.get(f"{self.url}/v1/models/{self.name}", timeout=5)
        except requests.RequestException:
            return False
        return "AVAILABLE" in response.text


def arguments(
    base: Path, rest_port: int, grpc_port: int, batching: bool, cors: bool
) -> list[str]:
    """The flags that make the server use the files beside the versions."""
    flags = {
        "port": grpc_port,
        "grpc_max_threads": GRPC_THREADS,
        "rest_api_port": rest_port,
        "rest_api_num_threads": REST_THREADS,
        "model_config_file": base / server_files.MODELS,
        "model_config_file_poll_wait_seconds": _POLL_SECONDS,
        "file_system_poll_wait_seconds": _POLL_SECONDS,
        "monitoring_config_file": base / server_files.MONITORING,
        # Labels are assigned before their versions have finished loading.
        "allow_version_labels_for_unavailable_models": "true",
        # What doesn't load is not tried five times more, a minute apart.
        "max_num_load_retries": 0,
    }
    if batching:
        flags["enable_batching"] = "true"
        flags["batching_parameters_file"] = base / server_files.BATCHING
    if cors:
        flags["rest_api_enable_cors_support"] = "true"
    return [f"--{name}={value}" for name, value in flags.items()]


def can_listen_on(command: Sequence[str], host: str) -> bool:
    """Whether the server would be reached by that address, and by no other."""
    return _is_docker(command) or host == "0.0.0.0"


def _is_docker(command: Sequence[str]) -> bool:
    return Path(command[0]).name == "docker"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _prefix(
    command: Sequence[str], base: Path, host: str, ports: Sequence[int]
) -> list[str]:
    """With Docker: the folder under its own path, so that models.config fits."""
    if not _is_docker(command):
        return list(command)
    published = [f"--publish={_shown(host)}:{port}:{port}" for port in ports]
    mount = f"--mount=type=bind,source={base},target={base},readonly"
    entry = "--entrypoint=tensorflow_model_server"
    return [*command, *published, mount, entry, IMAGE]
