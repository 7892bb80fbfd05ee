"""What a run writes down of itself."""

import dataclasses
import json
import os
import signal

import keras
import pytest

from ltpa_tf import data
from ltpa_tf.images import DEFAULT, Preprocessing
from ltpa_tf.metrics_file import MetricsFile
from ltpa_tf.model_file import save_model
from ltpa_tf.run import RunFolder


def text(*steps):
    return "".join(json.dumps({"step": step, "loss": 0.5}) + "\n" for step in steps)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (text(4, 8), [4, 8]),
        (text(4, 8, 12), [4, 8]),  # killed before the checkpoint of step 12
        (text(4, 8)[:-5], [4]),
        (text(4, 8)[:-1], [4, 8]),
        (text(4) + text(8)[:9] + text(12), [4]),
        (text(4) + "\x00\x00[]\n", [4]),
        ("", []),
    ],
)
def test_metrics_go_back_to_the_whole_lines_of_a_step(tmp_path, content, kept):
    file = tmp_path / "metrics.jsonl"
    file.write_text(content)
    metrics = MetricsFile(file)
    assert metrics.rewind(8) == len(kept)
    assert file.read_text() == text(*kept)
    metrics.append({"step": 12})
    assert metrics.line(12) == {"step": 12}


def test_metrics_that_are_not_there(tmp_path):
    metrics = MetricsFile(tmp_path / "metrics.jsonl")
    assert metrics.rewind(8) == 0
    assert metrics.line(8) == {}


class Deadly(keras.layers.ReLU):
    """Kills a process that saves it."""

    def get_config(self):
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_save_leaves_is_replaced_by_the_next(tmp_path):
    file = tmp_path / "best.keras"
    images = keras.Input((2,))
    child = os.fork()
    if child == 0:
        try:
            save_model(keras.Model(images, Deadly()(images)), file)
        finally:
            os._exit(0)  # never back into pytest
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1  # or this shows nothing
    save_model(keras.Model(images, keras.layers.ReLU()(images)), file)
    assert list(tmp_path.iterdir()) == [file]


def test_a_run_says_how_files_became_images_and_which_were_left_out(tmp_path):
    digits = data.load("digits", train_examples=20)
    chosen = Preprocessing("pad", (1, 2, 3), (0, 4095))
    source = dataclasses.replace(digits, preprocessing=chosen, skipped=("a/b.jpg",))
    run = RunFolder(tmp_path)
    run.write_dataset(source)
    assert run.read_dataset()["skipped"] == ["a/b.jpg"]
    assert run.preprocessing() == chosen
    written = json.loads(run.dataset_file.read_text())
    del written["preprocessing"]  # as runs of earlier versions
    run.dataset_file.write_text(json.dumps(written))
    assert run.preprocessing() == DEFAULT
