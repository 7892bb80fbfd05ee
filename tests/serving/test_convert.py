"""LiteRT and ONNX files, asked by their own runtimes."""

import contextlib
import json
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import data, serving
from ltpa_tf.errors import SettingError, WorkError
from ltpa_tf.run import RunFolder
from ltpa_tf.serving import convert, litert_file, onnx_file, run_export
from ltpa_tf.serving.signatures import Signatures


@pytest.fixture(scope="module")
def signatures(build, class_names):
    return Signatures(build(), class_names)


def assert_alike(outputs, predictions, tolerance=1e-5):
    for name in ("level_2", "level_4", "level_2_image", "level_4_image"):
        level = int(name.split("_")[1])
        kind = "image_maps" if name.endswith("image") else "maps"
        expected = [getattr(one, kind)[level] for one in predictions]
        np.testing.assert_allclose(outputs[name], expected, rtol=0, atol=tolerance)
    expected = [one.probabilities for one in predictions]
    np.testing.assert_allclose(
        outputs["probabilities"], expected, rtol=0, atol=tolerance
    )


@pytest.fixture(scope="module")
def onnx(signatures, images, tmp_path_factory):
    """The ONNX file, its difference from Keras, and a session of it."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    file = tmp_path_factory.mktemp("onnx") / "new" / "m.onnx"
    _, difference = onnx_file.to_onnx(signatures, file, images)
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return file, difference, session


def test_onnx(onnx, base, images):
    file, difference, session = onnx
    assert difference < 1e-5
    names = [one.name for one in session.get_outputs()]
    for batch in (images[:1], images):
        found = dict(zip(names, session.run(names, {"images": batch}), strict=True))
        assert_alike(found, serving.Predictor.from_saved_model(base).predict(batch))
    assert [one.name for one in file.parent.iterdir()] == ["m.onnx"]


@pytest.fixture(scope="module")
def litert():
    return pytest.importorskip("ai_edge_litert.interpreter")


@pytest.fixture(scope="module")
def whole(litert, signatures, images, tmp_path_factory):
    """The float32 file, and its difference from Keras."""
    file = tmp_path_factory.mktemp("litert") / "whole.tflite"
    _, difference = litert_file.to_litert(signatures, file, images)
    return file, difference


def test_litert(litert, signatures, base, images, whole):
    file, difference = whole
    assert difference < 1e-5
    interpreter = litert.Interpreter(model_path=str(file))
    predictor = serving.Predictor.from_saved_model(base)
    ask = interpreter.get_signature_runner("attention_maps")
    for batch in (images[:1], images):
        assert_alike(ask(images=batch), predictor.predict(batch))
    ask = interpreter.get_signature_runner("serving_default")
    assert set(ask(images=images)) == {"probabilities"}
    with pytest.raises(SettingError, match="new one"):
        litert_file.to_litert(signatures, file, images)


@pytest.fixture(scope="module")
def wide(litert, build, class_names, images, tmp_path_factory):
    """A model most of whose file is weights, and how large that is in float32."""
    model = build(width=0.5)
    file = tmp_path_factory.mktemp("litert") / "wide.tflite"
    litert_file.to_litert(Signatures(model, class_names), file, images)
    return model, file.stat().st_size


@pytest.mark.parametrize(
    ("quantize", "share", "tolerance"), [("float16", 0.65, 1e-3), ("int8", 0.6, 0.15)]
)
def test_quantized_litert(
    wide, class_names, images, tmp_path, quantize, share, tolerance
):
    model, size = wide
    small, signatures = tmp_path / "small.tflite", Signatures(model, class_names)
    ask, difference = litert_file.to_litert(signatures, small, images, quantize)
    assert 0 < difference < tolerance
    assert small.stat().st_size < share * size
    predictions = serving.Predictor.from_model(model, class_names).predict(images)
    assert_alike(ask(images), predictions, tolerance)


@pytest.mark.parametrize(
    ("output", "roundings", "is_rounding"),
    [
        ("level_7", 8, True),
        ("level_7", 10_000, False),
        ("evidence_7", 8, True),
        ("evidence_7", 10_000, False),
        ("probabilities", 8, False),
    ],
)
def test_what_large_scores_make_may_be_rounded(images, output, roundings, is_rounding):
    scores = np.array([[200.0, 200.5]], np.float32)
    other = scores + np.array([[roundings * np.spacing(scores[0, 0]), 0]])

    def expected(batch):
        return {output: tf.nn.softmax(scores)}

    def found(batch):
        return {output: tf.nn.softmax(other).numpy()}

    result = contextlib.nullcontext()
    if not is_rounding:
        result = pytest.raises(RuntimeError, match=f"{output} differs")
    with result:
        convert.compare(expected, found, images, convert.TOLERANCE, scores.max())


def told(**outputs):
    """Two classes, 0.7 and 0.3, of each image, and other outputs."""
    plain = {"probabilities": np.tile(np.float32([0.7, 0.3]), (2, 1))}
    return plain | {name: np.array(value) for name, value in outputs.items()}


@pytest.mark.parametrize(
    ("expected", "found", "said"),
    [
        ({"level_7_uint8": np.uint8([0, 9])}, {"level_7_uint8": np.uint8([1, 8])}, ""),
        (
            {"level_7_uint8": np.uint8([0, 9])},
            {"level_7_uint8": np.uint8([255, 9])},
            "level_7_uint8 differs from Keras by 255",
        ),
        (
            {"level_7_top": [[[0, 1, 0.5], [2, 3, 0.5]]] * 2},
            {"level_7_top": [[[2, 3, 0.5], [0, 1, 0.5]]] * 2},
            "",
        ),
        (
            {"level_7_top": [[[0, 1, 0.5]]] * 2},
            {"level_7_top": [[[0, 1, 0.4]]] * 2},
            "level_7_top differs",
        ),
        (
            {"top_classes": [[0], [0]]},
            {"top_classes": [[0], [1]]},
            "top_classes differ",
        ),
        ({"evidence_7": [[4e6], [9.0]]}, {"evidence_7": [[4e6 + 1], [9.0]]}, ""),
        ({"evidence_7": [[4.0], [9.0]]}, {"evidence_7": [[4.1], [9.0]]}, "evidence_7"),
        (
            {"top_names": np.array([[b"ant"], [b"bee"]], object)},
            {"top_names": np.array([["ant"], ["fox"]], object)},
            "top_names differ",
        ),
    ],
)
def test_how_other_outputs_may_differ(expected, found, said):
    def ask(batch):
        return told(**found)

    def function(batch):
        return {name: tf.constant(value) for name, value in told(**expected).items()}

    result = contextlib.nullcontext()
    if said:
        result = pytest.raises(RuntimeError, match=said)
    with result:
        convert.compare(function, ask, np.zeros((2, 1, 1, 3), np.uint8), 1e-5, 0)


def test_evidence_of_a_tie_is_of_either_class():
    even = {"probabilities": np.float32([[0.5, 0.5]])}
    one, other = (
        {**even, "top_classes": np.int32([[top]]), "evidence_7": np.float32([[given]])}
        for top, given in ((0, 3.0), (1, -2.0))
    )

    def function(batch):
        return {name: tf.constant(value) for name, value in one.items()}

    images = np.zeros((1, 1, 1, 3), np.uint8)
    assert convert.compare(function, lambda batch: other, images, 1e-5, 0) == 0


def test_the_largest_score_is_the_estimators(build, class_names, images):
    model = build(compatibility="local")
    scores = [model.get_layer(f"level_{level}").output[1] for level in (2, 4)]
    expected = max(np.abs(x).max() for x in keras.Model(model.input, scores)(images))
    found = convert.largest_score(Signatures(model, class_names), images)
    assert found == pytest.approx(expected, rel=1e-4)


def test_a_file_that_differs_is_no_success(signatures, images, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    monkeypatch.setattr(convert, "TOLERANCE", 0.0)
    with pytest.raises(RuntimeError, match="differs from Keras"):
        onnx_file.to_onnx(signatures, tmp_path / "m.onnx", images)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(signatures, images, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="--export_dir: .*written to"):
        onnx_file.to_onnx(signatures, tmp_path / "file" / "m.onnx", images)


@pytest.mark.parametrize("normalization", ["softmax", "sigmoid"])
def test_flat_maps_survive_8_bits(litert, build, images, tmp_path, normalization):
    """Of a map over 1,024 positions nothing is left in steps of 1/256."""
    deep = {"trunk": "paper", "levels": (7, 10)}
    model = build(num_classes=3, normalization=normalization, **deep)
    signatures = Signatures(model, "abc")
    ask, _ = litert_file.to_litert(signatures, tmp_path / "m.tflite", images, "int8")
    found, expected = ask(images), signatures.attention_maps(images)
    for level in ("level_7", "level_10"):
        maps = np.asarray(expected[level])
        np.testing.assert_allclose(found[level], maps, rtol=0.2)
        if normalization == "softmax":
            np.testing.assert_allclose(found[level].sum((1, 2)), 1, rtol=0.01)
    if normalization == "softmax":
        assert np.max(expected["level_7"]) < 1 / 256


@pytest.mark.parametrize("normalization", ["sampled", "topk"])
def test_hard_attention_chooses_alike_in_other_runtimes(
    litert, build, images, tmp_path, normalization
):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    model = build(
        num_classes=3,
        trunk="faster",
        levels=(1, 2),
        normalization=normalization,
        positions=4,
    )
    signatures = Signatures(model, "abc")
    maps = signatures.attention_maps(tf.constant(images))
    for convert_to, file in (
        (onnx_file.to_onnx, "m.onnx"),
        (litert_file.to_litert, "m.tflite"),
    ):
        ask, _ = convert_to(signatures, tmp_path / file, images)
        found = ask(images)
        for level in ("level_1", "level_2"):
            np.testing.assert_allclose(found[level], maps[level], rtol=0, atol=1e-6)
            assert set(np.unique(found[level])) == {0, 0.25}


def test_a_map_that_no_longer_sums_to_one_is_refused():
    even = np.full((2, 4, 4), 1 / 16, np.float32)
    convert._check_sums("level_7", even, even * 1.009)
    convert._check_sums("level_7", 3 * even, even)  # of a sigmoid
    with pytest.raises(WorkError, match="level_7 .* sums to 0.980 to 0.980"):
        convert._check_sums("level_7", even, even * 0.98)


def test_accuracy_is_that_of_all_classes_where_images_stand_in_their_order(signatures):
    labels = np.repeat([0, 1, 2], 700)
    split = data.array_split(np.zeros((2100, 32, 32, 3), np.uint8), labels)

    def ask(batch):
        return {"probabilities": np.eye(7)[np.zeros(len(batch), int)]}

    found = run_export._accuracies(signatures, ask, split)
    assert found["examples"] == 2000
    assert found["accuracy"] == pytest.approx(1 / 3, abs=0.001)
    assert split.spread(3).tolist() == [0, 700, 1400]  # to calibrate with


def test_files_carry_class_names_and_what_to_feed_them(class_names, whole, onnx):
    with zipfile.ZipFile(whole[0]) as archive:
        assert tuple(json.loads(archive.read("class_names.json"))) == class_names
        assert b"uint8 [batch, 32, 32, 3]" in archive.read("preprocessing.txt")
    _, _, session = onnx
    told = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(told["class_names"])) == class_names
    assert "uint8 [batch, 32, 32, 3]" in told["preprocessing"]


@pytest.mark.parametrize(
    ("form", "package"), [("onnx", "onnxruntime"), ("litert", "ai_edge_litert")]
)
def test_a_missing_extra_is_told_before_anything_is_made(
    form, package, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"{package}.interpreter", raising=False)
    folder = tmp_path / "repository" / "m"
    with pytest.raises(SettingError, match=rf"pip install 'ltpa_tf\[{form}\]'"):
        serving.convert_run(
            RunFolder(tmp_path), folder, form=form, triton=form == "onnx"
        )
    assert not folder.parent.exists()
