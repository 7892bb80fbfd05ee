"""Sets written by `prepare` open in TFDS itself, and in `load`."""

import io
import json
import pickle
import shutil
import tarfile

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from image_kinds import tiff

from ltpa_tf.data import load
from ltpa_tf.data.few import write_few
from ltpa_tf.data.prepare import prepare
from ltpa_tf.errors import SettingError


def cifar_files(classes=10, coarse=False, count=20):
    """The files of a python archive of CIFAR, with a few random images."""
    rng = np.random.RandomState(0)
    names = [b"class %03d" % number for number in range(classes)]

    def batch(count):
        labels = [number % classes for number in range(count)]
        content = {b"data": rng.randint(0, 256, (count, 3072)).astype(np.uint8)}
        if not coarse:
            return {**content, b"labels": labels}
        coarse_labels = [label // 5 for label in labels]
        return {**content, b"fine_labels": labels, b"coarse_labels": coarse_labels}

    if coarse:
        groups = [b"group %02d" % number for number in range(classes // 5)]
        files = {"meta": {b"fine_label_names": names, b"coarse_label_names": groups}}
        files.update(train=batch(count * 5), test=batch(count))
    else:
        files = {"batches.meta": {b"label_names": names}, "test_batch": batch(count)}
        files.update({f"data_batch_{number}": batch(count) for number in range(1, 6)})
    return files


def write_archive(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else pickle.dumps(content, 2)
            member = tarfile.TarInfo(f"cifar/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def pixels(rows):
    return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def by_number(dataset):
    """TFDS's examples in their official order."""
    examples = list(dataset.as_numpy_iterator())
    return sorted(examples, key=lambda example: example["id"])


def test_cifar10_opens_as_the_real_one(tmp_path):
    files = cifar_files()
    archive = write_archive(tmp_path / "cifar-10-python.tar.gz", files)
    path = prepare(archive, "cifar10", tmp_path / "sets")

    real = tfds.builder("cifar10", data_dir=str(tmp_path / "sets"))
    assert type(real).__name__ == "Cifar10"
    assert str(path) == str(real.data_dir)
    parts, info = tfds.load(
        "cifar10", download=False, data_dir=str(tmp_path / "sets"), with_info=True
    )
    assert info.features["label"].names[3] == "class 003"
    examples = by_number(parts["train"])
    expected = np.concatenate(
        [pixels(files[f"data_batch_{n}"][b"data"]) for n in range(1, 6)]
    )
    np.testing.assert_array_equal([e["image"] for e in examples], expected)
    assert [e["label"] for e in examples] == [n % 10 for n in range(20)] * 5
    assert examples[7]["id"] == b"train_00007"

    source = load("cifar10", dir=str(tmp_path / "sets"), train_examples=30)
    np.testing.assert_array_equal(source.train.array, expected[:30])
    np.testing.assert_array_equal(
        source.test.array, pixels(files["test_batch"][b"data"])
    )
    assert source.class_names[3] == "class 003"
    assert source.image_shape == (32, 32, 3)


def test_cifar100_from_an_extracted_folder_keeps_its_coarse_labels(tmp_path):
    files = cifar_files(classes=100, coarse=True)
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(pickle.dumps(content, 2))
    prepare(folder, "cifar100", tmp_path)
    parts = tfds.load("cifar100", download=False, data_dir=str(tmp_path))
    examples = by_number(parts["train"])
    assert [e["label"] for e in examples] == list(range(100))
    assert [e["coarse_label"] for e in examples] == [n // 5 for n in range(100)]
    source = load("cifar100", dir=str(tmp_path))
    assert len(source.class_names) == 100
    np.testing.assert_array_equal(source.train.array, pixels(files["train"][b"data"]))


def test_parts_of_different_sizes_are_resized_in_training(tmp_path):
    rng = np.random.RandomState(0)
    train, test = (
        rng.randint(0, 256, (6, height, 30, 3)).astype(np.uint8) for height in (40, 20)
    )
    labels = np.arange(6) % 3
    file = tmp_path / "mine.npz"
    np.savez(file, x_train=train, y_train=labels, x_test=test, y_test=labels)
    prepare(file, "my_images", tmp_path)
    source = load("my_images", dir=str(tmp_path), image_size=32)
    of_file = load("npz", dir=str(file), image_size=32)
    np.testing.assert_array_equal(source.test.array, of_file.test.array)
    with pytest.raises(SettingError, match="image_size"):
        load("my_images", dir=str(tmp_path))


def test_npz_under_a_name_of_its_own(tmp_path):
    rng = np.random.RandomState(0)
    images = rng.randint(0, 256, (9, 40, 30, 3)).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=np.arange(9) % 3)
    prepare(tmp_path / "mine.npz", "my_images", tmp_path / "sets")
    parts = tfds.load("my_images", download=False, data_dir=str(tmp_path / "sets"))
    examples = by_number(parts["train"])
    np.testing.assert_array_equal([e["image"] for e in examples], images)
    source = load("my_images", dir=str(tmp_path / "sets"))
    np.testing.assert_array_equal(source.train.array, images)
    assert source.test is None


@pytest.mark.parametrize(
    ("coarse", "match"),
    [
        (None, "y_train_coarse too"),
        (np.arange(5) % 2, "y_train_coarse: .*9 images and 5 labels"),
        (np.arange(9) / 9, "y_train_coarse: .*Received: 'float64"),
        (np.arange(9) % 3, "label 2 of example 2"),
    ],
)
def test_coarse_labels_are_checked_before_anything_is_written(tmp_path, coarse, match):
    content = {
        "x_train": np.zeros((9, 8, 8, 3), np.uint8),
        "y_train": np.arange(9) % 3,
        "coarse_label_names": np.array(["big", "small"]),
    }
    if coarse is not None:
        content["y_train_coarse"] = coarse
    np.savez(tmp_path / "mine.npz", **content)
    with pytest.raises(SettingError, match=match):
        prepare(tmp_path / "mine.npz", "mine", tmp_path / "sets")
    assert not (tmp_path / "sets").exists()


def test_folder_keeps_its_files_as_they_are(tmp_path, pictures, picture):
    picture(pictures / "red" / "photo.jpg", (255, 0, 0), size=(50, 20))
    prepare(pictures, "colours", tmp_path / "sets")
    source = load("colours", dir=str(tmp_path / "sets"), image_size=8)
    direct = load("folder", dir=str(pictures), image_size=8)
    np.testing.assert_array_equal(source.train.array, direct.train.array)
    np.testing.assert_array_equal(source.test.array, direct.test.array)
    assert source.class_names == direct.class_names
    with pytest.raises(SettingError, match="data.image_size"):
        load("colours", dir=str(tmp_path / "sets"))


@pytest.mark.parametrize("form", ["TIFF", "TIFF of colours", "transparent PNG"])
def test_all_16_bits_are_there_for_a_window(tmp_path, form):
    """A camera's 12 bits are no black picture in a prepared set."""
    random = np.random.default_rng(0)
    for number in range(4):
        values = random.integers(300, 591, (12, 9, 3), np.uint16)
        if form == "TIFF":
            values[:] = values[..., :1]
            content = tiff(values[..., :1])
        elif form == "TIFF of colours":
            content = tiff(values)
        else:
            opacity = np.full((12, 9, 1), 65535, np.uint16)
            opacity[:, :4] = 0
            content = tf.io.encode_png(np.concatenate([values, opacity], -1)).numpy()
        name = f"{number}.png"  # files are told by their content
        for part in ("train", "test"):
            folder = tmp_path / "pictures" / part / "ab"[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    prepare(tmp_path / "pictures", "deep", tmp_path / "sets")
    chosen = {"image_size": 12, "window": (300, 590)}
    direct = load("folder", dir=str(tmp_path / "pictures"), **chosen)
    prepared = load("deep", dir=str(tmp_path / "sets"), **chosen)
    np.testing.assert_array_equal(prepared.test.labels, direct.test.labels)
    np.testing.assert_array_equal(prepared.test.array, direct.test.array)
    assert direct.test.array.std() > 50


@pytest.mark.parametrize("shape", [(12, 12), (12, 12, 3), (12, 12, 2)])
def test_so_they_are_of_an_array(tmp_path, shape, caplog):
    values = np.random.default_rng(0).integers(300, 591, (6, *shape), np.uint16)
    if shape[2:] == (2,):
        values[..., 1] = 65535  # opaque
        values[:, :4, :, 1] = 0
    labels = np.arange(6) % 2
    arrays = {"x_train": values, "y_train": labels, "label_names": ["a", "b"]}
    np.savez(tmp_path / "deep.npz", **arrays, x_test=values[:4], y_test=labels[:4])
    prepare(tmp_path / "deep.npz", "deep", tmp_path / "sets")
    settings = {"classes": ["a", "b"], "per_class": 3}
    write_few(tmp_path / "deep.npz", tmp_path / "few.npz", **settings)
    assert not caplog.records  # nothing is lost that could be warned of
    direct, few, prepared = (
        load(name, dir=str(tmp_path / place), window=(300, 590))
        for name, place in (("npz", "deep.npz"), ("npz", "few.npz"), ("deep", "sets"))
    )
    assert direct.test.array.std() > 50
    for one in (few, prepared):
        np.testing.assert_array_equal(one.test.array, direct.test.array)
        np.testing.assert_array_equal(one.test.labels, direct.test.labels)


def with_objects(file, *keys):
    """An `.npz` of four training and two test images of 10x14, with these arrays."""
    corners = np.array([[1, 2, 8, 9], [0, 0, 10, 14], [4, 13, 5, 14], [3, 3, 7, 5]])
    content = {"label_names": ["a", "b"]}
    for part, count in (("train", 4), ("test", 2)):
        images = np.random.default_rng(0).integers(0, 256, (count, 10, 14, 3), np.uint8)
        content |= {f"x_{part}": images, f"y_{part}": np.arange(count) % 2}
        content[f"boxes_{part}"] = corners[:count]
        content[f"masks_{part}"] = np.ones((count, 10, 14), np.uint8)
    objects = {key for key in content if key.startswith(("boxes", "masks"))}
    for key in objects - set(keys):
        del content[key]
    np.savez(file, **content)
    return file, corners


def test_boxes_of_an_array_come_back(tmp_path, caplog):
    file, corners = with_objects(tmp_path / "a.npz", "boxes_train", "boxes_test")
    folder = prepare(file, "mine", tmp_path / "sets")
    source = load("mine", dir=str(tmp_path / "sets"))
    np.testing.assert_array_equal(source.train.boxes, corners)
    np.testing.assert_array_equal(source.test.boxes, corners[:2])
    assert not caplog.text
    fields = json.loads((folder / "croissant.json").read_text())["recordSet"][-1]
    kinds = {field["name"]: field["dataType"] for field in fields["field"]}
    assert kinds["bbox"] == "cr:BoundingBox"


def test_boxes_of_a_folder_come_back(tmp_path, pictures):
    for part in ("train", "test"):
        shutil.copytree(pictures, tmp_path / "divided" / part)
    files = sorted((tmp_path / "divided").rglob("*.png"))
    names = [file.relative_to(tmp_path / "divided").as_posix() for file in files]
    corners = {name: (n % 3, 1, 7, 2 + n % 5) for n, name in enumerate(names)}
    lines = [f"{name},{','.join(map(str, box))}" for name, box in corners.items()]
    table = tmp_path / "divided" / "boxes.csv"
    table.write_text("\n".join(["file,top,left,bottom,right", *lines]))
    prepare(tmp_path / "divided", "mine", tmp_path / "sets")
    mine = load("mine", dir=str(tmp_path / "sets"), image_size=8)
    same = load("folder", dir=str(tmp_path / "divided"), image_size=8)
    for part in ("train", "test"):
        ours, theirs = getattr(mine, part), getattr(same, part)
        np.testing.assert_array_equal(ours.boxes, theirs.boxes)
        assert len({tuple(box) for box in ours.boxes.tolist()}) > 5


@pytest.mark.parametrize(
    ("keys", "left_out"),
    [
        (["boxes_test"], "boxes_test"),
        (["masks_test"], "masks_test"),
        (["boxes_train", "boxes_test", "masks_test"], "masks_test"),
    ],
)
def test_what_a_set_cannot_keep_of_objects_is_said(tmp_path, caplog, keys, left_out):
    file, _ = with_objects(tmp_path / "a.npz", *keys)
    prepare(file, "mine", tmp_path / "sets")
    assert f"a.npz: left out: {left_out}. " in caplog.text
    source = load("mine", dir=str(tmp_path / "sets"))
    assert (source.test.boxes is not None) == ("boxes_train" in keys)


def test_a_set_of_the_name_of_another_has_its_features(tmp_path, caplog):
    images = np.zeros((10, 32, 32, 3), np.uint8)
    content = {"boxes_train": np.full((10, 4), [0, 0, 9, 9])}
    np.savez(tmp_path / "a.npz", x_train=images, y_train=np.arange(10), **content)
    prepare(tmp_path / "a.npz", "cifar10", tmp_path / "sets")
    assert "left out: boxes_train. " in caplog.text
    builder = tfds.builder("cifar10", data_dir=str(tmp_path / "sets"))
    assert set(builder.info.features) == {"id", "image", "label"}


def test_half_written_sets_are_never_found(tmp_path, monkeypatch):
    archive = write_archive(tmp_path / "cifar.tar.gz", cifar_files())
    images = tfds.features.Image.encode_example
    calls = []

    def breaks(self, image):
        calls.append(image)
        if len(calls) > 50:
            raise KeyboardInterrupt
        return images(self, image)

    monkeypatch.setattr(tfds.features.Image, "encode_example", breaks)
    with pytest.raises(KeyboardInterrupt):
        prepare(archive, "cifar10", tmp_path / "sets")
    with pytest.raises(SettingError, match="holds none"):
        load("cifar10", dir=str(tmp_path / "sets"))
    # What a killed process leaves behind, were it even complete.
    left = tmp_path / "sets" / "cifar10" / "incomplete.ABCDEF_3.0.2"
    left.mkdir(parents=True)
    (left / "dataset_info.json").write_text("{}")
    with pytest.raises(SettingError, match="holds none"):
        load("cifar10", dir=str(tmp_path / "sets"))
    monkeypatch.undo()
    prepare(archive, "cifar10", tmp_path / "sets")
    assert len(load("cifar10", dir=str(tmp_path / "sets")).train) == 100


def test_a_set_is_never_overwritten(tmp_path):
    archive = write_archive(tmp_path / "cifar.tar.gz", cifar_files())
    prepare(archive, "cifar10", tmp_path)
    with pytest.raises(SettingError, match="remove it first"):
        prepare(archive, "cifar10", tmp_path)


def test_pickles_that_do_more_than_hold_arrays_are_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("gotcha",)

    files = {**cifar_files(), "test_batch": {b"data": Evil(), b"labels": []}}
    archive = write_archive(tmp_path / "evil.tar.gz", files)
    with pytest.raises(SettingError, match=r"test_batch.*it asks for \w+\.print"):
        prepare(archive, "cifar10", tmp_path)


def test_names_may_be_text(tmp_path):
    names = [f"class {number}" for number in range(10)]
    files = {**cifar_files(), "batches.meta": {b"label_names": names}}
    archive = write_archive(tmp_path / "cifar.tar.gz", files)
    prepare(archive, "cifar10", tmp_path)
    assert load("cifar10", dir=str(tmp_path)).class_names == tuple(names)


def with_labels(labels):
    files = cifar_files()
    return {**files, "test_batch": {**files["test_batch"], b"labels": labels}}


def without(files, name):
    return {key: content for key, content in files.items() if key != name}


@pytest.mark.parametrize(
    ("files", "match"),
    [
        (without(cifar_files(), "batches.meta"), "batches.meta or meta"),
        (without(cifar_files(), "data_batch_3"), "no data_batch_3"),
        ({**cifar_files(), "data_batch_3": b"cut off"}, "data_batch_3.*unreadable"),
        ({**cifar_files(), "test_batch": {b"data": 1}}, "test_batch"),
        ({**cifar_files(), "batches.meta": {}}, "no 'label_names'"),
        (
            {**cifar_files(), "batches.meta": {b"label_names": None}},
            "batches.meta, label_names: .*Received: 'object",
        ),
        (with_labels([0.5] * 20), "test_batch, labels: .*Received: 'float64"),
        (with_labels(["cat"] * 20), "test_batch, labels: .*Received: '<U3"),
        (with_labels([[0, 1]] * 20), r"test_batch, labels: .*\(20, 2\)"),
        (with_labels([[0], [0, 1]]), "'labels' that is no array"),
        (with_labels(3), r"test_batch, labels: .*\(\)"),
        (with_labels([0] * 19), "test_batch, labels: .*20 images and 19 labels"),
        (cifar_files(classes=9), "--name.*9 classes"),
        (cifar_files(classes=40, count=2), "class 'class 002' without"),
    ],
)
def test_archives_that_cannot_be_used(tmp_path, files, match):
    archive = write_archive(tmp_path / "cifar.tar.gz", files)
    with pytest.raises(SettingError, match=match):
        prepare(archive, "cifar10", tmp_path)


def test_other_mistakes(tmp_path):
    def refuses(match, source, name="mine", data_dir=tmp_path):
        with pytest.raises(SettingError, match=match):
            prepare(source, name, data_dir)

    refuses("nowhere", tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("no data")
    refuses(r"folder.*notes\.txt", tmp_path / "notes.txt")
    refuses("--name.*My-Set", tmp_path / "notes.txt", name="My-Set")
    for name in ("digits", "folder", "npz"):
        refuses("--name.*another name", tmp_path / "notes.txt", name=name)
    (tmp_path / "cut.tar.gz").write_bytes(b"\x1f\x8b\x08")
    refuses("unreadable archive", tmp_path / "cut.tar.gz")
    archive = write_archive(tmp_path / "cifar.tar.gz", cifar_files())
    refuses("--data_dir", archive, data_dir=tmp_path / "notes.txt")


def test_real_cifar10_goes_through_unchanged(tmp_path, cifar10):
    images, labels, names = cifar10
    assert images.shape == (10_000, 32, 32, 3)
    # Means of the official test images, as published everywhere.
    mean = (images / 255).mean((0, 1, 2))
    np.testing.assert_allclose(mean, (0.4942, 0.4851, 0.4504), atol=1e-4)
    assert [names[label] for label in labels[:4]] == ["cat", "ship", "ship", "airplane"]
    few = {"x_train": images[:800], "y_train": labels[:800], "label_names": names}
    few.update(x_test=images[800:1000], y_test=labels[800:1000])
    np.savez(tmp_path / "cifar10.npz", **few)
    prepare(tmp_path / "cifar10.npz", "cifar10", tmp_path)
    source = load("cifar10", dir=str(tmp_path))
    np.testing.assert_array_equal(source.train.array, images[:800])
    np.testing.assert_array_equal(source.test.array, images[800:1000])
    np.testing.assert_array_equal(source.test.labels, labels[800:1000])
