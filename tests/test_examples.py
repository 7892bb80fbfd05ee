"""The examples in the docstrings of all public names are run."""

import doctest
import importlib
import inspect
import re
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import ltpa_tf
from ltpa_tf.configs import quickstart
from ltpa_tf.serving.server import DevelopmentServer

PACKAGES = (
    "data",
    "evaluation",
    "explain",
    "images",
    "layers",
    "models",
    "optimizers",
    "report",
    "run",
    "serving",
    "training",
    "tuning",
)
MODULES = {name: importlib.import_module(f"ltpa_tf.{name}") for name in PACKAGES}
NAMES = [
    f"{package}.{name}"
    for package, module in MODULES.items()
    for name in getattr(module, "__all__", ())
    if callable(getattr(module, name))
    and not (
        inspect.isclass(getattr(module, name))
        and issubclass(getattr(module, name), Exception)
    )
]
# Those that take some seconds each.
SLOW = ("evaluation.", "serving.export", "training.", "tuning.search")
# What examples stand on: a run, an export of it, a server.
NEEDED = {"runs/": "run", "saved_models/mine": "export", "http://": "server"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with photos, where examples may leave files."""
    folder = tmp_path_factory.mktemp("examples")
    for i, name in enumerate(("cat", "cat", "dog", "dog")):
        (folder / "photos" / name).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / name / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def run(place):
    config = quickstart.get_config()
    config.model.width, config.train.epochs = 0.125, 1
    config.optimizer.warmup_epochs = 0.5
    config.data.train_examples = 256
    ltpa_tf.training.train(config, place / "runs/mine")


@pytest.fixture(scope="module")
def export(place, run):
    finished = ltpa_tf.run.RunFolder(place / "runs/mine")
    ltpa_tf.serving.export_run(finished, place / "saved_models/mine")


@pytest.fixture(scope="module")
def server(place, export):
    """At the port that examples ask, where it is free."""
    base = place / "saved_models/mine"
    with DevelopmentServer(base, rest_port=0, grpc_port=0) as server:
        yield server.url


def example(name):
    package, _, public = name.partition(".")
    text = inspect.getdoc(getattr(MODULES[package], public)) or ""
    return textwrap.dedent(text.partition("Example:\n")[2])


def parameter(name):
    slow = name.startswith(SLOW) or any(mark in example(name) for mark in NEEDED)
    return pytest.param(name, marks=pytest.mark.slow if slow else ())


# Keras Tuner's.
@pytest.mark.filterwarnings("ignore:currentThread|getName:DeprecationWarning")
@pytest.mark.parametrize("name", [parameter(name) for name in NAMES])
def test_example(name, place, monkeypatch, request):
    text = example(name)
    for mark, fixture in NEEDED.items():
        if mark in text:
            there = request.getfixturevalue(fixture)
            if fixture == "server":
                text = text.replace("http://127.0.0.1:8501", there)
    monkeypatch.chdir(place)
    known = {"keras": keras, "np": np, "tf": tf, "ltpa_tf": ltpa_tf, **MODULES}
    test = doctest.DocTestParser().get_doctest(text, known, name, None, None)
    assert test.examples, f"the docstring of {name} ends without an example"
    said = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    said = "".join(said)
    if missing := re.search(r"pip install '(ltpa_tf\[.+\])'", said):
        pytest.skip(f"not installed: {missing[1]}")
    assert not said, said
