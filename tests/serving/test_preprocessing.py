"""What was chosen for training holds in an export, and whoever asks it is told."""

import json

import numpy as np
import pytest
import tensorflow as tf
from image_kinds import encode, picture
from light import small_batches

from ltpa_tf import serving
from ltpa_tf.images import DEFAULT, Preprocessing
from ltpa_tf.serving.saved_model import read_preprocessing
from ltpa_tf.serving.server import DevelopmentServer

PADDED = Preprocessing("pad", background=(0, 0, 255), window=(0, 4095))


@pytest.fixture(scope="module")
def model(build):
    return build()


@pytest.fixture(scope="module")
def padded(model, class_names, tmp_path_factory):
    base = small_batches(tmp_path_factory.mktemp("padded") / "animals")
    serving.export(model, base, class_names=class_names, preprocessing=PADDED)
    return base


@pytest.fixture
def wide(tmp_path):
    """A file three times as wide as high: 10 of 32 rows."""
    path = tmp_path / "wide.png"
    path.write_bytes(encode(np.tile(picture()[:32], (1, 2, 1))[:, :96]))
    return path


def test_bytes_files_and_arrays_agree(padded, model, class_names, wide):
    seen = serving.Predictor.from_saved_model(padded)
    of_model = serving.Predictor.from_model(model, class_names, PADDED)
    loaded = tf.saved_model.load(str(padded / "1"))
    ask = loaded.signatures["attention_maps_bytes"]
    answer = ask(encoded=tf.constant([wide.read_bytes()]))
    with (
        DevelopmentServer(padded, rest_port=0, grpc_port=0) as server,
        serving.Client(server.url, server.name) as client,
    ):
        (told,) = client.predict_files([wide])
    (local,), (trained,) = seen.predict_files([wide]), of_model.predict_files([wide])
    served = answer["probabilities"][0]
    for other in (trained.probabilities, told.probabilities, served):
        np.testing.assert_allclose(other, local.probabilities, rtol=0, atol=1e-6)
    assert told.preprocessing == local.preprocessing == trained.preprocessing == PADDED
    plain = serving.Predictor.from_model(model, class_names)
    (squashed,) = plain.predict_files([wide])
    assert np.abs(squashed.probabilities - local.probabilities).max() > 1e-4
    assert squashed.preprocessing == DEFAULT


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_every_way_to_ask_a_server_tells_it(padded, wide, protocol):
    with DevelopmentServer(padded, rest_port=0, grpc_port=0) as server:
        for address in (server.url, f"grpc://{server.grpc_address}"):
            with serving.Client(address, server.name, protocol=protocol) as client:
                (told,) = client.predict_files([wide])
                assert told.preprocessing == PADDED
                (plain,) = client.predict_files([wide], maps=False)
                assert plain.names == told.names


def test_nothing_comes_before_the_shape_is_looked_at(padded):
    assert serving.check_export(padded, load=False) == []


def test_it_is_written_beside_the_export(padded, base):
    written = json.loads((padded / "1" / "preprocessing.json").read_text())
    assert written == {
        "aspect": "pad",
        "background": [0, 0, 255],
        "window": [0, 4095],
    }
    card = (padded / "1" / "model_card.md").read_text()
    assert "as large as they fit, in the middle between borders" in card
    assert "turned\nas their EXIF orientation says" in card
    assert "the values 0 to 4095 of 16-bit" in card
    assert read_preprocessing(base / "1") == DEFAULT
    # An export of an earlier version has no such file.
    assert read_preprocessing(padded) == DEFAULT
