"""Maps in compact forms, by every way to ask for them."""

import numpy as np
import pytest
import tensorflow as tf
from light import small_batches

from ltpa_tf import serving
from ltpa_tf.errors import SettingError
from ltpa_tf.serving import compact
from ltpa_tf.serving.prediction import from_outputs
from ltpa_tf.serving.server import DevelopmentServer
from ltpa_tf.serving.signatures import Signatures


def test_eight_bits_by_hand():
    attention = tf.constant([[[0.51, 0.0], [0.3, 0.19]], [[0.0, 0.0], [0.0, 0.0]]])
    found = compact.compact("uint8", {"level_7": attention})
    # 0.3 / (0.51 / 255) = 150, 0.19 / 0.002 = 95; of nothing, nothing.
    steps = [[[255, 0], [150, 95]], [[0, 0], [0, 0]]]
    np.testing.assert_array_equal(found["level_7_uint8"], steps)
    assert found["level_7_uint8"].dtype == tf.uint8
    np.testing.assert_allclose(found["level_7_scale"], [[0.002], [0]], rtol=1e-6)


def test_six_decimals_are_what_six_digits_hold():
    """Else each number is twice as dear in TensorFlow Serving's JSON."""
    attention = np.random.default_rng(0).dirichlet(np.ones(256), 8).astype(np.float32)
    attention = attention.reshape(-1, 16, 16)
    ask = tf.function(lambda maps: compact.compact("native", {"level_7": maps}))
    found = ask(tf.constant(attention))["level_7"].numpy()
    np.testing.assert_allclose(found, attention, rtol=0, atol=5.1e-7)
    assert all(np.float32(f"{value:g}") == value for value in found.ravel())
    assert not all(np.float32(f"{value:g}") == value for value in attention.ravel())


def test_top_positions_by_hand():
    attention = np.zeros((2, 2, 4), np.float32)
    attention[0, 1, 2], attention[0, 0, 3], attention[1, 0, 0] = 0.6, 0.4, 1
    found = compact.compact("top", {"look": tf.constant(attention)})["look_top"]
    assert found.shape == (2, compact.POSITIONS, 3)
    np.testing.assert_allclose(found[0, :2], [[1, 2, 0.6], [0, 3, 0.4]])
    np.testing.assert_allclose(found[1, 0], [0, 0, 1])
    few = compact.compact("top", {"look": tf.constant(attention[:, :1, :2])})
    assert few["look_top"].shape == (2, 2, 3)


@pytest.fixture(scope="module")
def base(build, class_names, tmp_path_factory):
    base = small_batches(tmp_path_factory.mktemp("compact") / "animals")
    serving.export(build(), base, class_names=class_names, compact=("uint8", "top"))
    assert serving.check_export(base, load=False) == []
    return base


@pytest.fixture(scope="module")
def server(base):
    with DevelopmentServer(base, rest_port=0, grpc_port=0) as server:
        yield server


@pytest.mark.parametrize("protocol", ["v1", "v2"])
@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_asked_of_a_server(server, images, encode, protocol, transport):
    address = server.url if transport == "rest" else f"grpc://{server.grpc_address}"
    files = [encode(one) for one in images]
    with serving.Client(address, server.name, protocol=protocol) as client:
        whole = client.predict(images)
        # A server of the other protocol gives any outputs, so native maps too.
        forms = ("uint8", "top") if protocol == "v1" else compact.FORMS
        found = {form: client.predict(images, maps=form) for form in forms}
        of_files = client.predict_bytes(files, maps="uint8")
    for form, answers in found.items():
        for one, other in zip(answers, whole, strict=True):
            assert one.names == other.names
            assert one.image_maps == one.evidence == {}
            for level, attention in other.maps.items():
                check(one, form, level, attention)
    for one, other in zip(of_files, found["uint8"], strict=True):
        np.testing.assert_array_equal(one.maps[2], other.maps[2])


def check(answer, form, level, attention):
    if form == "top":
        assert answer.maps == {}
        rows, columns = answer.peaks[level][:, :2].astype(int).T
        weights = answer.peaks[level][:, 2]
        np.testing.assert_allclose(attention[rows, columns], weights, rtol=1e-5)
        best = np.sort(attention.ravel())[::-1][: compact.POSITIONS]
        np.testing.assert_allclose(weights, best, rtol=1e-5)
        return
    assert answer.peaks == {}
    # Half a step, and what float32 rounds.
    step = attention.max() / 255 if form == "uint8" else 1e-6
    difference = np.abs(answer.maps[level] - attention).max()
    assert difference <= step / 2 + 1e-6 * attention.max()
    assert form == "native" or difference > 0


def test_what_was_not_exported_is_refused(server, images):
    with (
        serving.Client(server.url, server.name) as client,
        pytest.raises(SettingError, match="maps: .*attention_top.*Received: 'int4'"),
    ):
        client.predict(images, maps="int4")


def test_forms_that_a_model_cannot_have(build, class_names):
    with pytest.raises(SettingError, match="--compact.*native, uint8, top"):
        Signatures(build(), class_names, compact=["int4"])
    plain = build(levels=())
    with pytest.raises(SettingError, match="--compact.*without attention"):
        Signatures(plain, class_names, compact=["top"])


def test_native_maps_alone(build, class_names, images):
    functions = Signatures(build(), class_names, compact=["native"]).functions()
    ask, _ = functions["attention_native"]
    whole, _ = functions["attention_maps"]
    (one,), (other,) = (
        from_outputs(
            {name: value.numpy() for name, value in function(images[:1]).items()}
        )
        for function in (ask, whole)
    )
    assert [*one.maps] == [2, 4]
    np.testing.assert_allclose(one.maps[2], other.maps[2], rtol=0, atol=1e-6)
    assert one.image_maps == one.evidence == {}


def test_in_onnx(build, class_names, images, tmp_path):
    onnx_file = pytest.importorskip("ltpa_tf.serving.onnx_file")
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    signatures = Signatures(build(), class_names, compact=["uint8", "top"])
    ask, _ = onnx_file.to_onnx(signatures, tmp_path / "m.onnx", images)
    found = ask(images)
    assert found["level_4_uint8"].dtype == np.uint8
    again = found["level_4_uint8"] * found["level_4_scale"][..., None]
    np.testing.assert_allclose(again, found["level_4"], atol=again.max() / 509)
    np.testing.assert_allclose(
        found["level_4_top"][:, 0, 2], found["level_4"].max((1, 2)), rtol=1e-5
    )
