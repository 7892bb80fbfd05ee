"""What version 0.1.0 has written, its first names in it, can still be used.

`made_before/0.1.0.zip` holds a run that was cut off after the first of two epochs, the
same run finished, and its export.
"""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ltpa_tf import evaluation, serving, training
from ltpa_tf.run import RunFolder


@pytest.fixture
def before(tmp_path):
    with zipfile.ZipFile(Path(__file__).parent / "made_before" / "0.1.0.zip") as packed:
        packed.extractall(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_run_goes_on(before):
    cut, finished = (RunFolder(before / name) for name in ("cut", "finished"))
    config = cut.read_config()
    assert config.optimizer.bias_lr_multiplier == 2
    assert config.model.dropout == 0
    assert config.model.tap is None
    metrics = training.train(config, cut.path)["metrics"]
    expected = finished.read_summary()["metrics"]
    for name in ("loss", "val_loss", "entropy_level_4", "learning_rate"):
        assert metrics[name] == pytest.approx(expected[name], rel=1e-4)


def test_a_model_is_evaluated(before):
    run = RunFolder(before / "finished")
    expected = json.loads(run.evaluation_file.read_text(encoding="utf-8"))
    result = evaluation.evaluate_run(run)
    assert result["nll"] == pytest.approx(expected["nll"], rel=1e-5)
    assert result["confusion"] == expected["confusion"]
    assert result["pointing"] == pytest.approx(expected["pointing"], abs=0.01)


def test_an_export_answers_as_its_run_does(before):
    run = RunFolder(before / "finished")
    images = run.load_split("test").array[:3]
    names = run.read_dataset()["class_names"]
    export = serving.Predictor.from_saved_model(before / "export" / "tiny")
    for old, new in zip(
        export.predict(images),
        serving.Predictor.from_model(run.load_model(), names).predict(images),
        strict=True,
    ):
        assert old.names == new.names
        np.testing.assert_allclose(old.probabilities, new.probabilities, atol=1e-5)
        assert set(old.maps) == set(new.maps) == {4, 7}
        np.testing.assert_allclose(old.maps[7], new.maps[7], atol=1e-5)
