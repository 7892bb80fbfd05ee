import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.compat.proto import event_pb2

from ltpa_tf import data, models
from ltpa_tf.explain import overlay
from ltpa_tf.models import AttentionVGG
from ltpa_tf.tracking.tensorboard import TensorBoard
from ltpa_tf.training import train
from ltpa_tf.training.attention_maps import AttentionMaps
from ltpa_tf.training.network import local_variables


def attention_builder(config, source):
    return AttentionVGG(
        source.image_shape,
        len(source.class_names),
        trunk="faster",
        levels=(2, 4),
        width=0.0625,
        dropout=0.0,
    )


@pytest.fixture(scope="module")
def larger(source):
    """The tiny data at 32x32."""

    def enlarge(split):
        return data.array_split(
            np.kron(split.array, np.ones((1, 4, 4, 1), np.uint8)), split.labels
        )

    return dataclasses.replace(
        source,
        image_shape=(32, 32, 3),
        **{
            name: enlarge(getattr(source, name))
            for name in ("train", "validation", "test")
        },
    )


def test_pictures_show_images_beside_their_maps(larger):
    model = attention_builder(None, larger)
    weights = [tf.constant(v) for v in model.trainable_variables]
    local = [tf.constant(v) for v in local_variables(model)]
    watch = AttentionMaps(model, larger, pictures=3)
    entropies, pictures = watch.look(weights, local)
    assert entropies.keys() == {"entropy_level_2", "entropy_level_4"}
    assert pictures.shape == (3, 128, 3 * 128, 3)
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures[:, ::4, :128:4], larger.test.array[:3])
    images = larger.test.array[:3]
    maps = models.attention_model(model)(images)["level_4"]
    grid = models.grids(model)["level_4"]
    laid = overlay(images[1], np.asarray(maps)[1], grid)
    np.testing.assert_array_equal(pictures[1, ::4, 256::4], laid)


def test_without_attention_there_is_nothing_to_watch(source, build, config):
    watch = AttentionMaps(build()(config, source), source, pictures=3)
    assert watch.look([], []) == ({}, None)


def test_data_in_a_folder_whose_name_is_not_utf8(config, tmp_path):
    """As old zip archives have them."""
    config.log.tensorboard = True
    config.data.dir = os.fsdecode(b"/data/caf\xe9")
    board = TensorBoard(tmp_path, config, enabled=True, hparams=True)
    board.close()
    (file,) = tmp_path.glob("*.v2")
    assert rb"/data/caf\xe9" in file.read_bytes()


def test_events_hold_what_metrics_hold(config, larger, tmp_path):
    config.log.tensorboard = True
    config.log.every_seconds = 1e-6
    config.log.profile_start = 2
    config.log.profile_steps = 2
    summary = train(config, tmp_path, source=larger, build=attention_builder)
    found = {}
    for file in (tmp_path / "events").glob("*.v2"):
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            event = event_pb2.Event.FromString(record)
            for value in event.summary.value:
                found[value.tag, event.step] = tf.make_ndarray(value.tensor)
    for name in summary["metrics"].keys() - {"step"}:
        expected = pytest.approx(summary["metrics"][name], rel=1e-5)
        assert float(found[name, 8]) == expected, name
    assert {"entropy_level_2", "gradient_norm", "val_loss"} < summary["metrics"].keys()
    width, height, *images = found["attention", 8]
    assert (int(width), int(height), len(images)) == (384, 128, 4)
    assert any(tag == "running/loss" for tag, _ in found)
    assert any("hparams" in tag for tag, _ in found)
    assert list((tmp_path / "events").rglob("*.xplane.pb"))
