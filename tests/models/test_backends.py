"""Layers and models on other Keras backends than TensorFlow."""

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ltpa_tf
from ltpa_tf.models import attention_model, build, prune

PACKAGE = Path(ltpa_tf.__file__).parent
DATA = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "width": 1 / 16}
MODELS = {
    "paper": lambda: build("vgg_att3_concat_pc", **DATA),
    "pruned": lambda: prune(build("vgg_att3_concat_pc", **DATA)),
    "additive": lambda: build("vgg_att2_indep_additive", trunk="vgg_d", **DATA),
    "dp": lambda: build("vgg_att3_indep_dp", match="local_to_global", **DATA),
    "sigmoid": lambda: build("vgg_att3_concat_pc", normalization="sigmoid", **DATA),
    "topk": lambda: build(
        "vgg_att3_concat_pc", normalization="topk", positions=5, **DATA
    ),
    "gap": lambda: build("vgg_gap", **DATA),
}

# Three scores, soft and hard attention, both heads; the others are slow tests.
QUICK = ("additive", "dp", "topk")

# Loads each model that TensorFlow saved and says what it predicts.
PREDICT = """
import sys
from pathlib import Path

import keras
import numpy as np

import ltpa_tf.layers

folder = Path(sys.argv[1])
x = np.load(folder / "x.npy")
for name in sys.argv[2:]:
    file = folder / f"{name}.keras"
    outputs = keras.models.load_model(file)(x)
    outputs = {k: keras.ops.convert_to_numpy(v) for k, v in outputs.items()}
    np.savez(folder / f"{file.stem}.{keras.backend.backend()}.npz", **outputs)
"""

IMPORTS = """
import sys

import ltpa_tf.layers, ltpa_tf.models

ltpa_tf.models.resolve("vgg")
sys.exit("tensorflow" in sys.modules)
"""


def python(code, *arguments, backend):
    environment = os.environ | {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Saves a model once: its folder, and what it gives under TensorFlow."""
    folder = tmp_path_factory.mktemp("models")
    x = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    np.save(folder / "x.npy", x)

    @functools.cache
    def saved(name):
        model = attention_model(MODELS[name]())
        model.save(folder / f"{name}.keras")
        return folder, {key: value.numpy() for key, value in model(x).items()}

    return saved


@pytest.mark.parametrize(
    ("backend", "names"),
    [
        ("numpy", QUICK),
        pytest.param("numpy", set(MODELS) - set(QUICK), marks=pytest.mark.slow),
        pytest.param("jax", set(MODELS), marks=pytest.mark.slow),
    ],
    ids=["numpy", "numpy, the others", "jax"],
)
def test_forward_pass_equals_tensorflows(saved, backend, names):
    pytest.importorskip("jax", reason="Keras's numpy backend convolves with JAX")
    expected = {}
    for name in names:
        folder, expected[name] = saved(name)
    result = python(PREDICT, folder, *names, backend=backend)
    assert result.returncode == 0, result.stderr
    for name, outputs in expected.items():
        with np.load(folder / f"{name}.{backend}.npz") as found:
            assert set(found) == set(outputs)
            for key, value in outputs.items():
                np.testing.assert_allclose(found[key], value, rtol=0, atol=1e-5)


def test_importing_them_imports_no_tensorflow():
    pytest.importorskip("jax", reason="Keras's numpy backend imports JAX")
    result = python(IMPORTS, backend="numpy")
    assert result.returncode == 0, result.stderr or "tensorflow was imported"


@pytest.mark.parametrize(
    "file",
    sorted([*PACKAGE.glob("layers/**/*.py"), *PACKAGE.glob("models/**/*.py")]),
    ids=lambda file: str(file.relative_to(PACKAGE)),
)
def test_no_file_imports_more_than_keras_and_what_it_needs(file):
    # Keras itself needs h5py, whatever the backend.
    allowed = sys.stdlib_module_names | {"keras", "numpy", "h5py", "ltpa_tf"}
    if file.name == "hub.py":  # when a preset of the Hub is asked for
        allowed |= {"huggingface_hub"}
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        assert {name.split(".")[0] for name in names} <= allowed
