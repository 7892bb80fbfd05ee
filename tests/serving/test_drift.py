"""Drift: what is kept of an answer, and when requests are no longer like the tests."""

import json

import numpy as np
import pytest
import tensorflow as tf
from spots import spots

from ltpa_tf import serving
from ltpa_tf.errors import SettingError
from ltpa_tf.serving import answer_log, drift, warmup
from ltpa_tf.serving.prediction import Prediction


@pytest.fixture
def export(base):
    return base


@pytest.fixture(scope="module")
def predictor(base):
    return serving.Predictor.from_saved_model(base)


@pytest.fixture
def log(predictor, tmp_path):
    """Makes the log of a client that asked about some images."""

    def log(images, name="requests.jsonl"):
        answer_log.append(tmp_path / name, predictor.predict(images))
        return tmp_path / name

    return log


def shifted(export, *files):
    return [one.measure for one in drift.find_drift(export, files) if one.shifted]


def test_the_figures_of_a_map_by_hand():
    attention = np.array([[0, 0, 0, 0], [0, 0, 0.5, 0.5]], np.float32)
    maps = {7: attention, "look": np.full((2, 2), 0.25), 9: np.ones((1, 1))}
    maps |= {10: np.zeros((2, 2))}  # a sigmoid's, as flat as it can be
    answer = Prediction(np.float32([0.25, 0.75]), (1, 0), ("b", "a"), maps, {})
    found = answer_log.summary(answer)
    assert (found["class"], found["probability"]) == ("b", 0.75)
    middle = {"y": 0.5, "x": 0.5}
    assert found["levels"] == {
        # log 2 / log 8; the third and fourth column's middles are 0.625 and 0.875.
        "7": {"entropy": 0.3333, "y": 0.75, "x": 0.75, "peak_y": 0.75, "peak_x": 0.625},
        "look": {"entropy": 1.0, **middle, "peak_y": 0.25, "peak_x": 0.25},
        "9": {"entropy": 1.0, **middle, "peak_y": 0.5, "peak_x": 0.5},
        "10": {"entropy": 1.0, **middle, "peak_y": 0.25, "peak_x": 0.25},
    }


def test_the_test_images_and_others_like_them_are_no_shift(export, log):
    assert shifted(export, log(spots(200, 0))) == []
    assert shifted(export, log(spots(150, 1), "fresh.jsonl")) == []


def test_what_lies_elsewhere_is_named_by_its_direction(export, log):
    found = shifted(export, log(spots(150, 2, columns=(18, 26))))
    assert "level 2: centre of mass, across" in found
    assert "level 2: centre of mass, down" not in found


def test_a_class_that_grows_shifts_the_mix_alone(export, log, class_names):
    file = log(spots(150, 1))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    counts = [sum(x["class"] == name for x in lines) for name in class_names]
    rare = class_names[int(np.argmin(counts))]
    for one in lines[:60]:
        one["class"] = rare
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    (mix, *_) = found = drift.find_drift(export, [file])
    assert [one.measure for one in found if one.shifted] == ["class mix"]
    assert mix.now[rare] == pytest.approx(0.4 + mix.before.get(rare, 0), abs=0.05)
    assert mix.effect == pytest.approx(0.4, abs=0.1)
    assert not any(one.shifted for one in drift.find_drift(export, [file], effect=0.6))


def test_a_difference_that_rounding_makes_is_no_shift(export, log):
    file = log(spots(200, 0))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for one in lines:
        one["levels"]["2"]["entropy"] *= 0.9999
        one["probability"] = 0.5
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    assert shifted(export, file) == ["confidence"]


def test_a_servers_log_is_asked_again(export, log, tmp_path):
    """Arrays and files, by any signature, count as if a client had logged them."""
    images = spots(64, 3)
    file = tmp_path / "server.log"
    with tf.io.TFRecordWriter(str(file)) as writer:
        for start in range(0, 64, 32):
            some = images[start : start + 32]
            record = warmup.PredictionLog()
            inputs = record.predict_log.request.inputs
            if start:
                record.predict_log.request.model_spec.signature_name = "serving_bytes"
                encoded = [tf.io.encode_png(image).numpy() for image in some]
                inputs["encoded"].CopyFrom(tf.make_tensor_proto(encoded))
            else:
                inputs["images"].CopyFrom(tf.make_tensor_proto(some))
            writer.write(record.SerializeToString())
    for ours, other in zip(
        drift.find_drift(export, [file]),
        drift.find_drift(export, [log(images)]),
        strict=True,
    ):
        assert (ours.measure, ours.effect) == (
            other.measure,
            pytest.approx(other.effect),
        )


def test_a_client_logs_what_it_was_answered(development, export, predictor, tmp_path):
    images, file = spots(40, 4), tmp_path / "log.jsonl"
    url, name = development.url, development.name
    with serving.Client(url, name, log=file) as client:
        client.predict(images)
        client.predict(images[:2], maps=False)
    with pytest.raises(SettingError, match="log: expected .* written to"):
        serving.Client(url, name, log=tmp_path)
    lines = list(answer_log.read(file))
    assert [one["levels"] for one in lines[40:]] == [{}, {}]
    for line, answer in zip(lines, predictor.predict(images), strict=False):
        expected = answer_log.summary(answer)
        assert line["class"] == expected["class"]
        assert line["levels"]["2"] == pytest.approx(expected["levels"]["2"], abs=2e-4)
    assert len(drift.find_drift(export, [file])) == 12


GOOD = {"class": "ant", "probability": 0.5, "levels": {}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "30 at least.*0 predictions"),
        (b'{"class": "an', "whole.*line 2'"),
        (b"[1]\n", "no object.*line 2"),
        (json.dumps(GOOD | {"probability": 7.0}).encode(), "between 0 and 1.*line 2"),
        (json.dumps(GOOD | {"class": "cat"}).encode(), "'ant'.*line 2: class 'cat'"),
        (
            json.dumps(
                GOOD | {"levels": {"9": dict.fromkeys(answer_log.MAP_MEASURES, 0.5)}}
            ),
            r"\['2', '4'\].*line 2: levels \['9'\]",
        ),
        (b"\x05\0\0\0\0\0\0\0no record at all", "damaged request log"),
    ],
)
def test_what_is_no_log_of_the_model_is_refused_in_a_sentence(
    export, tmp_path, content, said
):
    file = tmp_path / "log"
    content = content.encode() if isinstance(content, str) else content
    before = b"" if b"\0" in content or not content else json.dumps(GOOD).encode()
    file.write_bytes(before + b"\n" * bool(before) + content)
    with pytest.raises(SettingError, match=said) as caught:
        drift.find_drift(export, [file])
    assert "\n" not in str(caught.value)


def test_requests_of_another_size_are_refused(export, tmp_path):
    record = warmup.PredictionLog()
    tensor = tf.make_tensor_proto(np.zeros((1, 16, 16, 3), np.uint8))
    record.predict_log.request.inputs["images"].CopyFrom(tensor)
    with tf.io.TFRecordWriter(str(tmp_path / "log")) as writer:
        writer.write(record.SerializeToString())
    with pytest.raises(SettingError, match=r"\(1, 16, 16, 3\).*record 0"):
        drift.find_drift(export, [tmp_path / "log"])


def test_an_export_without_a_reference_or_a_damaged_one(tmp_path):
    version = tmp_path / "1"
    version.mkdir()
    (version / "saved_model.pb").touch()
    with pytest.raises(SettingError, match="reference.json: export the run again"):
        drift.find_drift(tmp_path, [])
    (version / "reference.json").write_text('[{"class": 3}]')
    with pytest.raises(SettingError, match="reference.json: .*no str called 'class'"):
        drift.find_drift(tmp_path, [])


def test_an_effect_that_is_no_share_is_refused(tmp_path):
    with pytest.raises(SettingError, match="--effect: .*Received: 10"):
        drift.find_drift(tmp_path, [], effect=10)
