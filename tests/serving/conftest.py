"""A small trained-like model and its export, made once."""

import io
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CLASS_NAMES = ("ant", "bee", "crab", "döner", "emu", "fox", "gnu")


@pytest.fixture(scope="session")
def class_names() -> tuple[str, ...]:
    return CLASS_NAMES


@pytest.fixture(scope="session")
def build():
    """Makes a small model with weights and statistics that are no defaults."""
    return _build


def _build(seed=7, **overrides):
    import keras

    from ltpa_tf import models

    keras.utils.set_random_seed(seed)
    model = models.build(
        classes=len(CLASS_NAMES),
        mean=(0.4, 0.5, 0.6),
        std=(0.2, 0.3, 0.25),
        **{"width": 0.125, "levels": (7, 10)} | overrides,
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


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    """The folder of an exported model's versions, holding version 1."""
    from ltpa_tf import serving

    base = tmp_path_factory.mktemp("exports") / "animals"
    serving.export(_build(), base, class_names=CLASS_NAMES)
    return base


@pytest.fixture(scope="session")
def encode():
    """Makes the bytes of an image file."""
    return _encode


def _encode(image, form="PNG", mode="RGB", **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).convert(mode).save(stream, form, **options)
    return stream.getvalue()


@pytest.fixture(scope="session", params=["development", "tensorflow_model_server"])
def start_server(request):
    """Starts a server of each kind on a folder of versions; a context manager.

    The real one when there is a `tensorflow_model_server`: TF_SERVING_BIN, the PATH.
    """
    if request.param == "development":
        from ltpa_tf.serving.server import DevelopmentServer

        return lambda base: DevelopmentServer(
            base, rest_port=0, grpc_port=0, poll_seconds=0.2, origins=["*"]
        )
    from ltpa_tf.serving import model_server

    command = model_server.find()
    if command is None:
        pytest.skip("no tensorflow_model_server: TF_SERVING_BIN, PATH or docker")
    return lambda base: model_server.ModelServer(
        base, command, rest_port=_free_port(), grpc_port=_free_port(), cors=True
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@pytest.fixture(scope="session")
def server(start_server, base):
    """A running server for the session's export."""
    with start_server(base) as running:
        yield running
