"""Programs: started as a user starts them, and otherwise forked."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import forked
import pytest
from shared import made_once, unchanged

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def start():
    """Runs `python -m pipelines.NAME FLAGS...`, forked where TensorFlow is imported."""

    def start(name, *flags):
        return forked.run(f"pipelines.{name}", *flags, COLUMNS="200")

    return start


@pytest.fixture(scope="session")
def start_anew():
    """The same in a new Python, as a user starts it; one test a program."""

    def start(name, *flags):
        return subprocess.run(
            [sys.executable, "-m", f"pipelines.{name}", *map(str, flags)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "200"},
        )

    return start


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory) -> Iterator[Path]:
    """A run folder with an untrained model in it: what export and predict need.

    It is shared; a test that writes into a run copies it.
    """
    import keras

    from ltpa_tf import models
    from ltpa_tf.files import write_json

    keras.utils.set_random_seed(0)
    names = ["cat", "dog", "owl"]
    model = models.build(
        num_classes=3,
        trunk="faster",
        width=0.125,
        levels=(2, 4),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
    )
    folder = tmp_path_factory.mktemp("run with a space")
    model.save(folder / "model.keras")
    dataset = {"name": "test", "class_names": names, "image_shape": [32, 32, 3]}
    write_json(folder / "dataset.json", dataset)
    with unchanged(folder):
        yield folder


@pytest.fixture(scope="session")
def digits_run_once(tmp_path_factory) -> Iterator[Path]:
    """A run folder on the bundled digits with an untrained model in it."""
    import keras

    from ltpa_tf import config, data, models
    from ltpa_tf.configs import quickstart
    from ltpa_tf.files import write_text
    from ltpa_tf.run import RunFolder

    keras.utils.set_random_seed(0)
    run = RunFolder(tmp_path_factory.mktemp("digits run"))
    source = data.load("digits")
    write_text(run.config_file, config.to_json(quickstart.get_config()))
    run.write_dataset(source)
    model = models.build(
        trunk="faster", levels=(2, 4), width=0.125, mean=source.mean, std=source.std
    )
    model.save(run.model_file)
    with unchanged(run.path):
        yield run.path


@pytest.fixture
def digits_run(digits_run_once, tmp_path_factory) -> Path:
    """The same, a test's own: to write into."""
    folder = tmp_path_factory.mktemp("own") / digits_run_once.name
    return shutil.copytree(digits_run_once, folder)


@pytest.fixture(scope="session")
def exported(start, trained_run, tmp_path_factory) -> Iterator[Path]:
    """The folder of that first run's export; as with the run, it is shared."""

    from light import small_batches

    def make(base: Path) -> None:
        small_batches(base)
        done = start("export", f"--workdir={trained_run}", f"--export_dir={base}")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == str(base / "1")

    base = made_once(tmp_path_factory, "owls and more", make)
    with unchanged(base):
        yield base


@pytest.fixture
def light(exported, tmp_path) -> Path:
    """An export of that name whose model loads in a moment, a test's own."""
    from light import lighter

    return lighter(exported, tmp_path / "light" / exported.name)
