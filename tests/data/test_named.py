"""TFDS data sets by name. The sets are written here; nothing is downloaded."""

import json
import re
import socket
from pathlib import Path

import image_kinds
import numpy as np
import pytest
import tensorflow_datasets as tfds

from ltpa_tf.data import encoded, load
from ltpa_tf.errors import SettingError

IMAGES = np.random.RandomState(0).randint(0, 256, (12, 10, 14, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*arguments):
        raise AssertionError(f"the network was asked for: {arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def write(tmp_path):
    """Writes a data set with the given features, splits and version."""

    def write(features, splits, *, name="shapes", version="1.0.0", file_format=None):
        class Writer(tfds.core.GeneratorBasedBuilder, skip_registration=True):
            VERSION = tfds.core.Version(version)

            def _info(self):
                feature_dict = tfds.features.FeaturesDict(features)
                return tfds.core.DatasetInfo(builder=self, features=feature_dict)

            def _split_generators(self, dl_manager):
                return {part: enumerate(rows) for part, rows in splits.items()}

            def _generate_examples(self):
                raise NotImplementedError

        Writer.name = name
        builder = Writer(data_dir=str(tmp_path), file_format=file_format)
        builder.download_and_prepare()
        return str(tmp_path)

    return write


def features(shape=(10, 14, 3), **more):
    return {
        "image": tfds.features.Image(shape=shape),
        "label": tfds.features.ClassLabel(names=["round", "square"]),
        **more,
    }


def rows(numbers):
    return [{"image": IMAGES[n], "label": n % 2} for n in numbers]


def test_train_and_test(write):
    folder = write(features(), {"train": rows(range(8)), "test": rows(range(8, 12))})
    source = load("shapes", dir=folder, validation_examples=2, seed=1)
    assert source.class_names == ("round", "square")
    assert source.image_shape == (10, 14, 3)
    assert (len(source.train), len(source.validation)) == (6, 2)
    found = {
        image.tobytes(): label
        for image, label in zip(source.test.array, source.test.labels, strict=True)
    }
    assert found == {IMAGES[n].tobytes(): n % 2 for n in range(8, 12)}


def test_a_second_load_is_the_same(write):
    folder = write(features(), {"train": rows(range(12))})
    first, second = load("shapes", dir=folder), load("shapes", dir=folder)
    np.testing.assert_array_equal(first.train.array, second.train.array)
    assert first.fingerprint == second.fingerprint
    assert first.test is None


def test_the_only_held_out_part_is_for_testing(write):
    splits = {"train": rows(range(8)), "validation": rows(range(8, 12))}
    source = load("shapes", dir=write(features(), splits))
    assert source.validation is None
    assert len(source.test) == 4


def test_a_test_part_without_labels_is_passed_over(write):
    unknown = [{"image": image, "label": -1} for image in IMAGES[:3]]
    splits = {
        "train": rows(range(8)),
        "validation": rows(range(8, 12)),
        "test": unknown,
    }
    source = load("shapes", dir=write(features(), splits))
    assert len(source.test) == 4
    assert source.validation is None


def test_a_validation_part_of_its_own(write):
    splits = {
        "train": rows(range(6)),
        "validation": rows(range(6, 8)),
        "test": rows(range(8, 12)),
    }
    source = load("shapes", dir=write(features(), splits))
    assert [len(p) for p in (source.train, source.validation, source.test)] == [6, 2, 4]


def test_parts_of_other_names_are_told(write, caplog):
    splits = {"train": rows(range(8)), "valid": rows(range(8, 12))}
    source = load("shapes", dir=write(features(), splits))
    assert source.validation is source.test is None
    (record,) = caplog.records
    assert "not used, 'valid'" in record.getMessage()


def test_the_newest_version_unless_one_is_named(write):
    for version, count in (("2.0.0", 4), ("10.0.0", 6)):
        folder = write(features(), {"train": rows(range(count))}, version=version)
    assert len(load("shapes", dir=folder).train) == 6
    assert len(load("shapes:2.0.0", dir=folder).train) == 4


def test_images_of_any_size_need_an_image_size(write):
    folder = write(features(shape=(None, None, 3)), {"train": rows(range(4))})
    with pytest.raises(SettingError, match="data.image_size"):
        load("shapes", dir=folder)
    assert load("shapes", dir=folder, image_size=32).train.array.shape == (4, 32, 32, 3)


def test_grey_images(write):
    grey = [{"image": image[..., :1], "label": n % 2} for n, image in enumerate(IMAGES)]
    source = load("shapes", dir=write(features(shape=(10, 14, 1)), {"train": grey}))
    assert source.image_shape == (10, 14, 3)
    assert np.all(source.train.array[..., 0] == source.train.array[..., 2])


@pytest.mark.parametrize(
    ("extra", "match"),
    [
        ({"label": tfds.features.Scalar(dtype=np.int64)}, "one label per example"),
        ({"image": tfds.features.Scalar(dtype=np.int64)}, "one image per example"),
    ],
)
def test_sets_without_images_or_classes(write, extra, match):
    row = {"image": IMAGES[0], "label": 0}
    row.update(dict.fromkeys(extra, 0))
    folder = write(features(**extra), {"train": [row]})
    with pytest.raises(SettingError, match=match):
        load("shapes", dir=folder)


@pytest.mark.parametrize("name", ["cifar10", "svhn_cropped", "no_such_set"])
def test_a_set_that_is_not_there_is_a_sentence(tmp_path, name):
    with pytest.raises(SettingError, match=f"holds none.*prepare_data.*{name}"):
        load(name, dir=str(tmp_path))


def test_a_near_miss_is_suggested(write):
    folder = write(features(), {"train": rows(range(4))})
    with pytest.raises(SettingError, match=r"did you mean shapes\?.*holds shapes"):
        load("shape", dir=folder)
    with pytest.raises(SettingError, match=r"did you mean digits"):
        load("digit", dir=folder)


@pytest.mark.parametrize("value", [-1, 2.5, "32"])
@pytest.mark.parametrize(
    "setting", ["train_examples", "validation_examples", "image_size"]
)
def test_sizes_are_whole_and_not_negative(setting, value):
    with pytest.raises(SettingError, match=f"data.{setting}.*{value}"):
        load("digits", **{setting: value})


def test_what_is_no_name_is_a_sentence():
    with pytest.raises(SettingError, match="data.name: .*Received: None"):
        load(None)


@pytest.mark.parametrize("name", ["folder", "npz", "no_such_set"])
def test_a_tilde_is_the_home_folder(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SettingError, match=re.escape(str(tmp_path / "sets"))):
        load(name, dir="~/sets")


@pytest.mark.parametrize("name", ["folder", "npz", "no_such_set"])
def test_the_home_of_nobody_is_a_folder_that_is_not_there(name):
    with pytest.raises(SettingError, match="~nobody-of-this-name/sets"):
        load(name, dir="~nobody-of-this-name/sets")


def test_array_record_files(write):
    """The format of newer published sets."""
    splits = {"train": rows(range(8)), "test": rows(range(8, 12))}
    expected = load("shapes", dir=write(features(), splits))
    folder = write(features(), splits, name="pets", file_format="array_record")
    source = load("pets", dir=folder)
    for ours, theirs in ((source.train, expected.train), (source.test, expected.test)):
        assert sorted(map(bytes, ours.array)) == sorted(map(bytes, theirs.array))
    again = load("pets", dir=folder)
    assert again.fingerprint == source.fingerprint
    np.testing.assert_array_equal(again.train.array, source.train.array)


def test_array_record_files_without_their_package(write, monkeypatch):
    folder = write(features(), {"train": rows(range(8))}, file_format="array_record")

    def as_data_source(*_, **__):
        raise ImportError

    monkeypatch.setattr(tfds.core.DatasetBuilder, "as_data_source", as_data_source)
    with pytest.raises(SettingError, match="need the package array-record"):
        load("shapes", dir=folder)


def test_parquet_files(write):
    rows_of = {"train": rows(range(8))}
    source = load("shapes", dir=write(features(), rows_of, file_format="parquet"))
    assert len(source.train) == 8


@pytest.mark.parametrize(
    ("form", "said"), [("riegeli", "need the package riegeli"), ("later", "'later'")]
)
def test_files_that_cannot_be_read_here(write, form, said):
    folder = write(features(), {"train": rows(range(4))})
    (file,) = Path(folder).rglob("dataset_info.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"fileFormat": form}))
    with pytest.raises(SettingError, match=said):
        load("shapes", dir=folder)


class Bytes(tfds.features.Image):
    """Takes files as they are."""

    def encode_example(self, content):
        return content


@pytest.fixture(params=["in memory", "larger"])
def any_size(request, monkeypatch):
    """Sets that are decoded at the start, and those that are decoded when needed."""
    if request.param == "larger":
        monkeypatch.setattr(encoded, "IN_MEMORY", 0)


@pytest.mark.parametrize("damage", ["no image", "cut off", "wrong checksum"])
def test_all_examples_that_cannot_be_decoded_are_named(
    write, damage, any_size, monkeypatch, caplog
):
    whole = [image_kinds.encode(image) for image in IMAGES[:6]]
    bad = {
        "no image": b"hello",
        "cut off": whole[0][:-200],
        "wrong checksum": image_kinds.wrong_checksum(whole[0]),
    }[damage]
    contents = [*whole, bad, bad]
    broken = [{"image": one, "label": n % 2} for n, one in enumerate(contents)]
    form = {**features(), "image": Bytes(shape=(10, 14, 3))}
    folder = write(form, {"train": broken, "test": broken[-2:]})
    with pytest.raises(SettingError, match="4 files that can't be used") as caught:
        load("shapes", dir=folder)
    lines = str(caught.value).splitlines()[1:]
    assert sum("(train part), example" in line for line in lines) == 2
    assert sum("(test part), example" in line for line in lines) == 2
    assert "data.skip_damaged=True" in str(caught.value)
    source = load("shapes", dir=folder, skip_damaged=True)
    assert (len(source.train), source.test, len(source.skipped)) == (6, None, 4)
    assert "4 examples can't be used and are left out; the first: " in caplog.text
    sound = load("sound", dir=write(form, {"train": broken[:6]}, name="sound"))
    images = source.train.images(np.arange(6), np.int64(0))
    expected = sound.train.images(np.arange(6), np.int64(0))
    assert sorted(map(bytes, np.asarray(images))) == sorted(
        map(bytes, np.asarray(expected))
    )


def test_few_levels_of_16_bits_are_warned_about(write, caplog):
    values = np.linspace(300, 590, 140, dtype=np.uint16).reshape(10, 14)
    thermal = [{"image": image_kinds.encode(values), "label": n % 2} for n in range(2)]
    form = {**features(), "image": Bytes(shape=(10, 14, 3))}
    load("shapes", dir=write(form, {"train": thermal}))
    assert "2 of 2 16-bit images keep fewer than 32 of 256 levels" in caplog.text
    assert "(train part), example 0, with values 300 to 590" in caplog.text


@pytest.mark.parametrize("aspect", ["squash", "crop", "pad"])
def test_boxes_lie_where_the_pixels_go(write, aspect):
    numbers = range(6)
    examples = []
    for n in numbers:  # one bright rectangle in an image of its own size
        height, width = 30 + 3 * n, 44 - 5 * n
        top, left, bottom, right = 9, 8, 17 + n, 15
        image = np.zeros((height, width, 3), np.uint8)
        image[top:bottom, left:right] = 255
        box = np.array([top / height, left / width, bottom / height, right / width])
        examples.append({"image": image, "label": n % 2, "bbox": box})
    form = features((None, None, 3), bbox=tfds.features.BBoxFeature())
    folder = write(form, {"train": examples, "test": examples})
    chosen = {"aspect": aspect, "background": (0, 0, 0)}
    source = load("shapes", dir=folder, image_size=24, seed=1, **chosen)
    for part in (source.train, source.test):
        images = np.asarray(part.images(np.arange(len(part)), np.int64(0)))
        for image, (top, left, bottom, right) in zip(images, part.boxes, strict=True):
            inside = np.zeros((24, 24), bool)
            inside[top:bottom, left:right] = True
            bright = image[..., 0] > 127
            # Every bright pixel is inside, and the box is no wider than its border.
            assert not (bright & ~inside).any()
            tight = np.argwhere(bright)
            edges = [*tight.min(0), *(tight.max(0) + 1)]
            assert np.abs(np.array([top, left, bottom, right]) - edges).max() <= 1


def test_boxes_of_images_as_they_are(write):
    where = np.array([[2, 3, 8, 9], [0, 0, 10, 14], [4, 13, 5, 14], [1, 2, 1, 2]])
    shares = where / (10, 14, 10, 14)
    examples = [
        {"image": IMAGES[n], "label": n % 2, "bbox": box, "id": f"{9 - n}"}
        for n, box in enumerate(shares)
    ]
    form = features(bbox=tfds.features.BBoxFeature(), id=tfds.features.Text())
    source = load("shapes", dir=write(form, {"train": examples}))
    where[3] += 0, 0, 1, 1  # nothing has no place: its pixel
    assert source.train.boxes.tolist() == where[::-1].tolist()
    assert source.train.boxes.dtype == np.int32


def test_boxes_in_pixels_are_no_shares(write):
    box = np.array([2.0, 3.0, 8.0, 9.0])
    examples = [{"image": IMAGES[n], "label": n % 2, "bbox": box} for n in range(4)]
    for name, form in {"named": "YXYX", "unnamed": None}.items():
        kind = tfds.features.BBoxFeature(bbox_format=form)
        folder = write(features(bbox=kind), {"train": examples}, name=name)
        assert load(name, dir=folder).train.boxes is None


def test_boxes_stay_with_their_images_where_others_are_left_out(write):
    contents = [image_kinds.encode(image) for image in IMAGES[:4]]
    contents[1] = b"hello"
    examples = [
        {"image": one, "label": n % 2, "bbox": np.array([0.1 * n, 0.0, 0.9, 1.0])}
        for n, one in enumerate(contents)
    ]
    form = {**features(), "image": Bytes(shape=(10, 14, 3))}
    form["bbox"] = tfds.features.BBoxFeature()
    folder = write(form, {"train": examples})
    source = load("shapes", dir=folder, skip_damaged=True)
    tops = {
        bytes(image): box[0]
        for image, box in zip(source.train.array, source.train.boxes, strict=True)
    }
    assert tops == {IMAGES[n].tobytes(): n for n in (0, 2, 3)}
