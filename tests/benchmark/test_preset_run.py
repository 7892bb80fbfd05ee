"""A preset's folder is a run that programs take."""

import numpy as np
import pytest

from ltpa_tf import models
from ltpa_tf.benchmark.preset_run import main
from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder

PRESET = "cifar10_att2_small"


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 32, 32, 3), np.uint8)
    labels = np.arange(20) % 10
    boxes = np.full((20, 4), (4, 4, 12, 12))
    boxes[::2] = 0, 0, 32, 32
    names = models.preset_metadata(PRESET)["class_names"]
    parts = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    return {**parts, "boxes_test": boxes, "label_names": np.array(names)}


def written(folder, arrays, *flags):
    np.savez(folder / "data.npz", **arrays)
    at = [f"--data={folder / 'data.npz'}", f"--workdir={folder / 'run'}"]
    main([f"--preset={PRESET}", *at, *flags])
    return RunFolder(folder / "run")


def test_it_has_the_presets_weights_and_the_chosen_images(tmp_path, arrays, capsys):
    run = written(tmp_path, arrays, "--small_boxes", "--every=3")
    assert "run: 4 test images" in capsys.readouterr().out
    test = run.load_split()
    np.testing.assert_array_equal(test.array, arrays["x_test"][[1, 7, 13, 19]])
    np.testing.assert_array_equal(test.labels, [1, 7, 3, 9])
    assert test.boxes.tolist() == 4 * [[4, 4, 12, 12]]
    np.testing.assert_allclose(
        run.load_model()(test.array), models.from_preset(PRESET)(test.array), atol=1e-5
    )


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ({"boxes_test"}, "--small_boxes: expected a file with boxes_test"),
        ({"label_names"}, f"--data: .*those of {PRESET}"),
    ],
)
def test_mistakes_are_sentences(tmp_path, arrays, without, said):
    arrays = {k: v for k, v in arrays.items() if k not in without}
    with pytest.raises(SettingError, match=said):
        written(tmp_path, arrays, "--small_boxes")
    assert not (tmp_path / "run").exists()
