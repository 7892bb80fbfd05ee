"""A small run whose class names and folder are no plain text."""

import json

import numpy as np
import pytest
from shared import made_once, unchanged

NAMES = ("<b>&\"'", "![x](http://a.example/x.png)", "[y](http://a.example)", "`|*z*")
EXAMPLES = 60


@pytest.fixture(scope="session")
def bare_run(tmp_path_factory):
    """Trained for no step, not evaluated."""
    import keras

    from ltpa_tf import config, data, models
    from ltpa_tf.configs import common
    from ltpa_tf.files import write_text
    from ltpa_tf.run import RunFolder

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * EXAMPLES, 32, 32, 3), np.uint8)
    labels = np.arange(2 * EXAMPLES) % len(NAMES)
    run = RunFolder(tmp_path_factory.mktemp("runs") / 'a <i>run & "more"')
    run.create()
    settings = common.get_config()
    settings.data.name, settings.data.dir = "npz", str(run.path.parent / "data.npz")
    arrays = {
        f"{name}_{part}": array
        for name, both in (("x", images), ("y", labels))
        for part, array in zip(("train", "test"), np.split(both, 2), strict=True)
    }
    np.savez(settings.data.dir, label_names=np.array(NAMES), **arrays)
    source = data.load("npz", dir=settings.data.dir)
    write_text(run.config_file, config.to_json(settings))
    run.write_dataset(source)
    lines = [
        {"epoch": 1, "step": 5, "loss": 2.25, "val_loss": 2.5, "entropy_level_4": 0.75},
        {"epoch": 2, "step": 10, "loss": 1.25, "val_loss": 1.5, "entropy_level_4": 0.5},
    ]
    write_text(run.metrics_file, "".join(json.dumps(one) + "\n" for one in lines))
    small = {"trunk": "faster", "levels": (2, 4), "width": 1 / 16}
    model = models.build(
        num_classes=len(NAMES), mean=source.mean, std=source.std, **small
    )
    model.save(run.model_file)
    with unchanged(run.path):
        yield run


@pytest.fixture(scope="session")
def run(bare_run, tmp_path_factory):
    """The same, evaluated with its maps, and with its report."""
    import shutil

    from ltpa_tf import evaluation
    from ltpa_tf.report import write_report
    from ltpa_tf.run import RunFolder

    name = bare_run.path.name

    def make(folder):
        run = RunFolder(shutil.copytree(bare_run.path, folder / name))
        evaluation.evaluate_run(run, maps=["attention", "evidence"], map_examples=6)
        write_report(run, indices=[5, 59])

    return RunFolder(made_once(tmp_path_factory, "evaluated", make) / name)


@pytest.fixture(scope="session")
def examples(run):
    """What it was evaluated on."""
    return run.load_split()


@pytest.fixture(scope="session")
def page(run):
    """The path of its report."""
    with unchanged(run.path):
        yield run.path / "report.html"
