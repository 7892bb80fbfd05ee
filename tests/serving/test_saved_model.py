"""The exported signatures against the model in memory."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import models, serving
from ltpa_tf.errors import SettingError
from ltpa_tf.layers import AttentionEstimator
from ltpa_tf.serving import graph
from ltpa_tf.serving.signatures import Signatures

CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(scope="module")
def signatures(base):
    # Keep the loaded object alive: its signatures hold weak references to variables.
    loaded = tf.saved_model.load(str(base / "1"))
    yield loaded.signatures
    del loaded


@pytest.fixture(scope="module")
def expected(build, images):
    """The model's own answer, computed by Keras alone."""
    outputs = models.attention_model(build()).predict(
        images.astype("float32"), verbose=0
    )
    logits = outputs["logits"].astype("float64")
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return outputs | {
        "probabilities": exponentials / exponentials.sum(-1, keepdims=True)
    }


def ask(signatures, name, images, encode):
    if name.endswith("bytes"):
        batch = {"encoded": tf.constant([encode(image) for image in images])}
    else:
        batch = {"images": tf.constant(images)}
    return {key: value.numpy() for key, value in signatures[name](**batch).items()}


NAMES = ["serving_default", "serving_bytes", "attention_maps", "attention_maps_bytes"]


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_and_top_classes(
    signatures, expected, images, encode, class_names, name
):
    outputs = ask(signatures, name, images, encode)
    np.testing.assert_allclose(
        outputs["probabilities"], expected["probabilities"], **CLOSE
    )
    ranking = np.argsort(-expected["probabilities"])[:, :5]
    np.testing.assert_array_equal(outputs["top_classes"], ranking)
    assert [[one.decode() for one in row] for row in outputs["top_names"]] == [
        [class_names[index] for index in row] for row in ranking
    ]


@pytest.mark.parametrize("name", ["attention_maps", "attention_maps_bytes"])
def test_maps_at_both_resolutions(signatures, expected, images, encode, name):
    outputs = ask(signatures, name, images, encode)
    for level in (2, 4):
        native = expected[f"level_{level}"]
        np.testing.assert_allclose(outputs[f"level_{level}"], native, **CLOSE)
        large = tf.image.resize(native[..., None], (32, 32))[..., 0]
        np.testing.assert_allclose(outputs[f"level_{level}_image"], large, **CLOSE)


def test_evidence_adds_up_to_the_logit(signatures, expected, images, encode):
    logits = expected["logits"]
    for name in ("attention_maps", "attention_maps_bytes"):
        outputs = ask(signatures, name, images, encode)
        assert outputs["evidence_2"].shape == outputs["level_2"].shape
        total = sum(outputs[f"evidence_{level}"].sum((1, 2)) for level in (2, 4))
        total += outputs["evidence_bias"][:, 0]
        np.testing.assert_allclose(total, np.max(logits, axis=1), rtol=0, atol=1e-4)


def test_a_head_that_cant_be_taken_apart_leaves_evidence_out():
    features = keras.layers.Conv2D(6, 3)(images := keras.Input((8, 8, 3)))
    attended, _, _ = AttentionEstimator("local", name="level_1")(features)
    model = keras.Model(images, keras.layers.Dense(3)(attended))
    outputs = Signatures(model, ["a", "b", "c"]).attention_maps(np.zeros((1, 8, 8, 3)))
    assert "level_1" in outputs
    assert not any(name.startswith("evidence") for name in outputs)


def test_maps_lie_where_their_cells_look():
    # Of 47x33 pixels level 10 sees 44x32, 4 a cell; the rest is no cell's.
    model = models.build(
        "vgg_att_pc",
        trunk="vgg_d",
        levels=(4,),
        tap="after_pool",
        image_shape=(47, 33, 3),
        width=0.125,
    )
    images = np.random.default_rng(0).integers(0, 256, (2, 47, 33, 3), np.uint8)
    outputs = Signatures(model, [str(i) for i in range(10)]).attention_maps(images)
    native, large = np.asarray(outputs["level_4"]), np.asarray(outputs["level_4_image"])
    assert native.shape == (2, 11, 8)
    np.testing.assert_array_equal(outputs["level_4_grid"], 2 * [[1.5, 1.5, 4, 4]])
    covered = tf.image.resize(native[..., None], (44, 32))[..., 0]
    np.testing.assert_allclose(large[:, :44, :32], covered, **CLOSE)
    np.testing.assert_array_equal(large[:, 44:], large[:, 43:44].repeat(3, 1))


def test_plain_signatures_give_no_maps(signatures):
    assert set(signatures["serving_default"].structured_outputs) == {
        "probabilities",
        "top_classes",
        "top_names",
    }


def test_every_output_has_the_batch_as_dimension_0(signatures, images, encode):
    for name in NAMES:
        for batch in (1, 3):
            outputs = ask(signatures, name, images[:batch], encode)
            assert {len(value) for value in outputs.values()} == {batch}


def test_every_signature_starts_with_ensure_shape(base):
    meta_graph = graph.read_meta_graph(base / "1")
    found = graph.signatures(meta_graph)
    assert set(found) == set(NAMES)
    for signature in found.values():
        (tensor,) = signature.inputs.values()
        first = graph.first_operations(meta_graph.graph_def, tensor.name)
        assert first == {"EnsureShape"}


@pytest.mark.parametrize("name", ["serving_default", "attention_maps"])
def test_an_empty_batch_is_refused(signatures, name):
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least one image"):
        signatures[name](images=tf.zeros((0, 32, 32, 3), tf.uint8))


def test_loads_without_this_package(base, images):
    """In a process that can't import ltpa_tf or Keras layers of ours."""
    program = f"""
import sys
sys.modules["ltpa_tf"] = None
import numpy as np, tensorflow as tf
loaded = tf.saved_model.load({str(base / "1")!r})
images = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), np.uint8)
print(loaded.signatures["serving_default"](images=images)["probabilities"].shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(5, 7)"


@pytest.mark.parametrize(
    "overrides",
    [
        {"levels": ()},
        {"levels": (2, 4), "head": "indep"},
        {"levels": (4,), "compatibility": "dp"},
        {"levels": (2, 4), "normalization": "sampled", "positions": 3},
        {"levels": (2, 4), "normalization": "topk", "positions": 3},
    ],
    ids=["no attention", "indep", "dp", "sampled", "topk"],
)
def test_other_models(build, images, class_names, overrides):
    model = build(**overrides)
    signatures = Signatures(model, class_names)
    assert ("attention_maps" in signatures.functions()) == bool(overrides["levels"])
    outputs = signatures.serving_default(tf.constant(images))
    logits = model.predict(images.astype("float32"), verbose=0)
    np.testing.assert_allclose(outputs["probabilities"], tf.nn.softmax(logits), **CLOSE)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_mixed_precision_model_is_exported_in_float32(
    build, expected, images, class_names, policy
):
    keras.config.set_dtype_policy(policy)
    outputs = Signatures(build(), class_names).attention_maps(tf.constant(images))
    np.testing.assert_allclose(
        outputs["probabilities"], expected["probabilities"], **CLOSE
    )
    np.testing.assert_allclose(outputs["level_2"], expected["level_2"], **CLOSE)


def test_class_names_lie_beside_it(base, class_names):
    assert json.loads((base / "1/class_names.json").read_text()) == list(class_names)


def test_the_folder_one_is_in_has_a_name(build, class_names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = build(trunk="faster", levels=())
    version = serving.export(model, ".", class_names=class_names)
    card = (version / "model_card.md").read_text("utf-8")
    assert card.startswith(f"# {tmp_path.name}, version 1\n")


def test_a_model_of_images_of_any_size(build, class_names, tmp_path):
    model = build(image_shape=(None, None, 3))
    with pytest.raises(SettingError, match="fixed height and width"):
        serving.export(model, tmp_path / "new", class_names=class_names)
    assert not (tmp_path / "new").exists()


def test_wrong_number_of_names(build, tmp_path):
    with pytest.raises(SettingError, match="7 names"):
        serving.export(build(), tmp_path / "new", class_names=["one", "two"])
    assert not (tmp_path / "new").exists()
