"""A small trained-like model and its export, made once."""

import io
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


def _build(**overrides):
    import keras

    from ltpa_tf import models

    keras.utils.set_random_seed(7)
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
