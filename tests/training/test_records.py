"""What a run writes down of itself."""

import json

import pytest

from ltpa_tf.training import records


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
    metrics = records.Metrics(file)
    assert metrics.rewind(8) == len(kept)
    assert file.read_text() == text(*kept)
    metrics.append({"step": 12})
    assert metrics.line(12) == {"step": 12}


def test_metrics_that_are_not_there(tmp_path):
    metrics = records.Metrics(tmp_path / "metrics.jsonl")
    assert metrics.rewind(8) == 0
    assert metrics.line(8) == {}
