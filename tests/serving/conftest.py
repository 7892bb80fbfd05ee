"""A small trained-like model, its export made once, and servers of it."""

import contextlib
import dataclasses
import io
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ports import free_port
from shared import made_once, unchanged

sys.path.insert(0, str(Path(__file__).parent))  # for the words of requests

CLASS_NAMES = ("ant", "bee", "crab", "döner", "emu", "fox", "gnu")
# What is served of it, and is loaded by test after test, are four convolutions.
_SMALL = {
    "trunk": "vgg_d",
    "levels": (2, 4),
    "width": 0.125,
    "num_classes": len(CLASS_NAMES),
}


@pytest.fixture(scope="session")
def class_names() -> tuple[str, ...]:
    return CLASS_NAMES


@pytest.fixture(autouse=True)
def fresh_keras():
    """The same default policy and random state for each test, without a new session.

    With that TensorFlow forgets what it has made of the graphs of shared exports, and
    each test would wait for it again, for most of a second.
    """
    import keras

    random.seed(0)
    np.random.seed(0)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def build():
    """Makes a small model with weights and statistics that are no defaults."""
    return _build


def _build(seed=7, **overrides):
    import keras

    from ltpa_tf import models

    keras.utils.set_random_seed(seed)
    model = models.build(
        mean=(0.4, 0.5, 0.6),
        std=(0.2, 0.3, 0.25),
        **_SMALL | overrides,
    )
    rng = np.random.default_rng(7)
    for variable in model.variables:
        if len(variable.shape) == 1:  # biases, scales, means, variances
            noise = rng.uniform(0, 0.2, variable.shape)
            variable.assign(variable + noise.astype("float32"))
    return model


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """uint8 [5, 32, 32, 3]."""
    return np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), np.uint8)


_MISREAD = [
    (np.full((1, 32, 32, 3), 300), "values from 300 to 300"),
    (np.full((1, 32, 32, 3), -1), "values from -1"),
    (np.full((1, 32, 32, 3), 0.5), "values from 0.5"),
    (np.full((1, 32, 32, 3), np.nan), "values from nan"),
    (np.full((1, 32, 32, 3), 254.7), "values from 254.7"),
    (np.full((1, 32, 32, 3), True), "type bool"),
    (np.zeros((32, 32, 3), np.uint8), r"shape \(32, 32, 3\)"),
    (np.zeros((0, 32, 32, 3), np.uint8), r"shape \(0, 32, 32, 3\)"),
    (np.zeros((1, 16, 16, 3), np.uint8), r"shape \(1, 16, 16, 3\)"),
]


@pytest.fixture(params=_MISREAD, ids=[said for _, said in _MISREAD])
def misread(request) -> tuple[np.ndarray, str]:
    """Images that a model would misread, and what is said of them."""
    return request.param


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Iterator[Path]:
    """The folder of an exported model's versions, holding version 1; it is shared."""
    from spots import spots

    from ltpa_tf import serving

    def make(base: Path) -> None:
        batches = np.split(spots(200, 0), 4)
        serving.export(_build(), base, class_names=CLASS_NAMES, reference=batches)

    base = made_once(tmp_path_factory, "animals", make)
    with unchanged(base):
        yield base


@pytest.fixture(scope="session")
def development(base):
    """A development server of it, for tests that leave it as it is."""
    from ltpa_tf.serving.server import DevelopmentServer

    with DevelopmentServer(base, rest_port=0, grpc_port=0, cors=True) as server:
        yield server


@pytest.fixture(scope="session")
def light(base, tmp_path_factory) -> Path:
    """The same of a model that has one product."""
    from light import lighter

    return lighter(base, tmp_path_factory.mktemp("light") / base.name)


@pytest.fixture(scope="session")
def encode():
    """Makes the bytes of an image file."""
    return _encode


def _encode(image, form="PNG", mode="RGB", **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).convert(mode).save(stream, form, **options)
    return stream.getvalue()


@dataclasses.dataclass(frozen=True)
class Running:
    """A server and the folder that it watches.

    `version` is the export of these tests; it is the highest and has both labels.
    """

    name: str
    url: str
    grpc_address: str
    base: Path
    version: int
    kind: str

    def add(self, folder: Path) -> int:
        """Puts a version into the folder as an export does; its number."""
        from ltpa_tf.serving import versions

        number = versions.free_version(self.base, None)
        with versions.new_version(self.base, number) as aside:
            shutil.copytree(folder, aside, dirs_exist_ok=True)
        return number

    def label(self, **labels: int) -> None:
        """Moves labels, in a file that is written for where the server runs."""
        from ltpa_tf.serving import server_files

        where = server_files.read_models(self.base).base_path
        server_files.label(self.base, labels, where)

    def of_label(self, label: str) -> int | None:
        """The version that the server has loaded and answers for a label."""
        import requests

        # Not the label's status: a real server lists all versions there.
        url = f"{self.url}/v1/models/{self.name}/labels/{label}/metadata"
        response = requests.get(url, timeout=60)
        return int(response.json()["model_spec"]["version"]) if response.ok else None

    def available(self) -> set[int]:
        """The versions that are loaded."""
        from ltpa_tf import serving

        with serving.Client(self.url, self.name) as client:
            states = client.states().items()
        return {number for number, state in states if state == "AVAILABLE"}


@pytest.fixture(scope="session")
def wait_for():
    """Waits until something is true, for a minute at most."""
    return _wait_for


def _wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


@pytest.fixture(scope="session", params=["development", "tensorflow_model_server"])
def start_server(request, base, tmp_path_factory):
    """Starts a server of each kind on a folder of its own; a context manager.

    The real one is what runs at TF_SERVING_URL, or is started if there is a
    `tensorflow_model_server`: TF_SERVING_BIN, the PATH, Docker.
    """
    from ltpa_tf.serving import model_server

    def copy(name: str, export: Path) -> Path:
        from ltpa_tf import serving

        folder = tmp_path_factory.mktemp("served") / name
        shutil.copytree(export, folder)
        serving.label(folder, {"stable": 1, "canary": 1}, str(folder))
        return folder

    if request.param == "development":
        return lambda name=base.name, of=base: _development(copy(name, of))
    if os.environ.get("TF_SERVING_URL"):
        if os.environ.get("PYTEST_XDIST_WORKER"):
            pytest.skip("TF_SERVING_URL is one server for all: run pytest without -n")
        return lambda name="", of=base: _at_url(of / "1")
    command = model_server.find()
    if command is None:
        pytest.skip(
            "no tensorflow_model_server: TF_SERVING_URL, TF_SERVING_BIN, PATH or docker"
        )
    return lambda name=base.name, of=base: _real(copy(name, of), command)


@contextlib.contextmanager
def _development(folder: Path) -> Iterator[Running]:
    from ltpa_tf.serving.server import DevelopmentServer

    with DevelopmentServer(
        folder, rest_port=0, grpc_port=0, poll_seconds=0.2, cors=True
    ) as server:
        yield Running(
            server.name, server.url, server.grpc_address, folder, 1, "development"
        )


@contextlib.contextmanager
def _real(folder: Path, command: list[str]) -> Iterator[Running]:
    from ltpa_tf.serving.model_server import ModelServer

    with ModelServer(
        folder,
        command,
        host="0.0.0.0",
        rest_port=free_port(),
        grpc_port=free_port(),
        cors=True,
    ) as server:
        yield Running(server.name, server.url, server.grpc_address, folder, 1, "real")


@pytest.fixture(scope="session")
def at_url():
    """The server at TF_SERVING_URL with an export added; a context manager."""
    return _at_url


@contextlib.contextmanager
def _at_url(export: Path) -> Iterator[Running]:
    """What runs already, with an export added to its folder; taken away afterwards."""
    from ltpa_tf.files import write_text
    from ltpa_tf.serving import server_files, versions

    try:
        url, grpc, base = (
            os.environ[f"TF_SERVING_{name}"] for name in ("URL", "GRPC", "BASE")
        )
    except KeyError as missing:
        pytest.fail(f"TF_SERVING_URL needs {missing} beside it, see docs/serving.md")
    base = Path(base).resolve()
    if not (base / server_files.MODELS).exists():
        pytest.fail(f"TF_SERVING_BASE needs a {server_files.MODELS}: {base} has none")
    model, config = server_files.read_models(base), base / server_files.MODELS
    before, as_it_was = set(versions.list_versions(base)), config.read_text()
    server = Running(
        model.name, url.rstrip("/"), grpc, base, max(before, default=0) + 1, "at a URL"
    )
    with contextlib.ExitStack() as stack:  # all of it, whatever part fails
        ended = signal.signal(signal.SIGTERM, signal.default_int_handler)
        stack.callback(signal.signal, signal.SIGTERM, ended)
        for file in (base / server_files.BATCHING, base / server_files.MONITORING):
            if not file.exists():
                stack.callback(file.unlink, missing_ok=True)
        stack.callback(_wait_for, lambda: server.available() <= before)
        stack.callback(_remove_others, base, before)
        for label, number in model.version_labels.items():
            stack.callback(
                _wait_for, lambda n=number, label=label: server.of_label(label) == n
            )
        stack.callback(write_text, config, as_it_was)
        server.label()  # so that all versions are served, should it not be so
        server.add(export)
        _wait_for(lambda: server.version in server.available())
        server.label(stable=server.version, canary=server.version)
        for label in ("stable", "canary"):
            _wait_for(lambda label=label: server.of_label(label) == server.version)
        yield server


def _remove_others(base: Path, kept: set[int]) -> None:
    from ltpa_tf.serving import versions

    for number, folder in versions.list_versions(base).items():
        if number not in kept:
            shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server(start_server):
    """A running server for the session's export."""
    with start_server() as running:
        yield running
