import os
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from ltpa_tf.data import encoded, folder, load
from ltpa_tf.errors import SettingError


def colours(split):
    """The classes' names by what the images look like."""
    return ["blue" if pixel[2] > pixel[0] else "red" for pixel in split.array[:, 0, 0]]


def test_one_subfolder_per_class(pictures):
    source = load("folder", dir=str(pictures))
    assert source.class_names == ("blue", "red")
    assert source.image_shape == (8, 8, 3)
    assert source.validation is None
    for split in (source.train, source.test):
        assert [source.class_names[label] for label in split.labels] == colours(split)
    # A fifth of each class; classes mixed from the start.
    np.testing.assert_array_equal(np.bincount(source.test.labels), [4, 2])
    np.testing.assert_array_equal(np.bincount(source.train.labels), [16, 8])
    np.testing.assert_array_equal(np.bincount(source.train.labels[:6]), [4, 2])


def pixels(split):
    return {tuple(image[0, 0]) for image in split.array}


def test_the_test_part_is_the_same_for_every_seed_and_stays_out_of_training(pictures):
    sources = [
        load("folder", dir=str(pictures), seed=seed, validation_examples=6)
        for seed in range(3)
    ]
    tests = {frozenset(pixels(source.test)) for source in sources}
    assert len(tests) == 1
    assert len({frozenset(pixels(source.validation)) for source in sources}) > 1
    for source in sources:
        parts = [pixels(p) for p in (source.train, source.validation, source.test)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 30


def test_divided_folder(tmp_path, picture):
    for part, count in (("train", 4), ("validation", 2), ("test", 1)):
        for number in range(count):
            for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
                picture(tmp_path / part / name / f"{number}.png", colour)
    source = load("folder", dir=str(tmp_path))
    assert [len(p) for p in (source.train, source.validation, source.test)] == [8, 4, 2]
    for split in (source.train, source.validation, source.test):
        assert [source.class_names[label] for label in split.labels] == colours(split)
    with pytest.raises(SettingError, match="brings a validation part"):
        load("folder", dir=str(tmp_path), validation_examples=2)


def test_the_fingerprint_follows_content_and_names(pictures, picture):
    first = load("folder", dir=str(pictures)).fingerprint
    assert load("folder", dir=str(pictures)).fingerprint == first
    picture(pictures / "red" / "3.png", (9, 9, 9))
    second = load("folder", dir=str(pictures)).fingerprint
    (pictures / "red" / "3.png").rename(pictures / "red" / "33.png")
    assert len({first, second, load("folder", dir=str(pictures)).fingerprint}) == 3


def test_what_does_not_fit_in_memory_is_decoded_when_needed(pictures, monkeypatch):
    arguments = {"dir": str(pictures), "image_size": 32, "validation_examples": 6}
    memory = load("folder", **arguments)
    monkeypatch.setattr(encoded, "IN_MEMORY", 0)
    lazy = load("folder", **arguments)
    assert (lazy.mean, lazy.std) == (memory.mean, memory.std)
    assert lazy.fingerprint == memory.fingerprint
    assert lazy.image_shape == (32, 32, 3)
    for ours, theirs in (
        (lazy.train, memory.train),
        (lazy.validation, memory.validation),
        (lazy.test, memory.test),
    ):
        assert ours.array is None
        images = ours.images(np.arange(len(ours)), 0)
        np.testing.assert_array_equal(images, theirs.array)
        np.testing.assert_array_equal(ours.labels, theirs.labels)


def test_every_format_and_mode(tmp_path, picture):
    for name in ("a", "b"):
        root = tmp_path / name
        picture(root / "grey.png", 200, mode="L")
        picture(root / "alpha.png", (145, 145, 145, 128), mode="RGBA")  # on white
        picture(root / "deep.png", 200 * 256 + 200, mode="I;16")
        picture(root / "palette.GIF", 200, mode="L")
        picture(root / "photo.JPG", (200, 200, 200), format="JPEG", quality=100)
        picture(root / "bitmap.bmp", (200, 200, 200))
        picture(root / "few_colours.bmp", 200, mode="L")
        picture(root / "web.webp", (200, 200, 200), lossless=True)
        picture(root / "scan.tif", (200, 200, 200), compression="tiff_lzw")
        (root / ".DS_Store").write_bytes(b"left by a file manager")
    source = load("folder", dir=str(tmp_path))
    assert len(source.train) + len(source.test) == 18
    for split in (source.train, source.test):
        assert np.abs(split.array.astype(int) - 200).max() <= 1


def test_sizes_that_differ_need_an_image_size(pictures, picture):
    picture(pictures / "red" / "large.png", (255, 0, 0), size=(20, 10))
    with pytest.raises(SettingError, match=r"data.image_size.*large.png is \(10, 20\)"):
        load("folder", dir=str(pictures))
    assert load("folder", dir=str(pictures), image_size=40).image_shape == (40, 40, 3)


def test_the_size_follows_from_the_images(tmp_path, picture):
    for number, size in enumerate([(150, 200), (400, 130), (640, 480), (80, 60)]):
        for name in ("red", "blue"):  # (width, height)
            picture(tmp_path / name / f"{number}.png", (200, 0, 0), size=size)
    # Shorter sides are 150, 130, 480 and 60: 140 in the middle.
    for most, side in ((224, 128), (96, 96), (320, 160), (130, 128)):
        source = load("folder", dir=str(tmp_path), largest_image_size=most)
        assert source.image_shape == (side, side, 3)
        again = load("folder", dir=str(tmp_path), image_size=side)
        assert source.fingerprint == again.fingerprint


@pytest.mark.parametrize(
    ("most", "side", "expected"),
    [(224, 10, 96), (96, 10, 32), (96, 95, 64), (32, 999, 32), (224, 999, 224)],
)
def test_very_small_images_are_enlarged_for_what_is_meant_for_large_ones(
    most, side, expected
):
    assert folder.side_of([(side, side + 5)] * 3, most) == expected


def test_a_size_that_was_named_is_not_chosen_by_the_images(pictures):
    source = load("folder", dir=str(pictures), image_size=40, largest_image_size=96)
    assert source.image_shape == (40, 40, 3)
    with pytest.raises(SettingError, match=r"data\.largest_image_size: .*0 or more"):
        load("folder", dir=str(pictures), largest_image_size=-96)


def test_damaged_files_are_named(pictures):
    file = pictures / "red" / "photo.jpg"
    noise = np.random.RandomState(0).randint(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(file)
    whole = file.read_bytes()
    half = whole[: len(whole) // 2]
    for damaged, said in (
        (half, "can't be decoded"),
        (half + b"\xff\xd9", "ends before its last pixel"),
        (b"", "an empty file"),
        (b"<html>not found</html>", "an HTML file"),
    ):
        file.write_bytes(damaged)
        with pytest.raises(SettingError, match=rf"photo\.jpg.*{said}"):
            load("folder", dir=str(pictures), image_size=32)
    file.unlink()
    file = pictures / "blue" / "5.png"
    content = bytearray(file.read_bytes())
    content[-20] ^= 255  # the checksum no longer fits
    file.write_bytes(content)
    with pytest.raises(SettingError, match=r"5\.png.*can't be decoded"):
        load("folder", dir=str(pictures))


def test_animations_are_named(pictures):
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 99, 200)]
    file = pictures / "red" / "moving.gif"
    frames[0].save(file, save_all=True, append_images=frames[1:])
    with pytest.raises(SettingError, match=r"moving\.gif.*3 frames"):
        load("folder", dir=str(pictures))


def test_a_cameras_second_picture_is_no_animation(pictures):
    both = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (255, 0)]
    file = pictures / "red" / "camera.jpg"
    both[0].save(file, format="MPO", save_all=True, append_images=both[1:])
    source = load("folder", dir=str(pictures))
    parts = (source.train, source.test)
    assert sum(len(part) for part in parts) == len(list(pictures.rglob("*.*")))


def test_a_link_to_nowhere_is_named(pictures):
    (pictures / "red" / "gone.png").symlink_to("nowhere")
    with pytest.raises(SettingError, match=r"gone\.png"):
        load("folder", dir=str(pictures))


def test_folders_that_cannot_be_used(pictures, picture, tmp_path):
    def refuses(match, folder=pictures):
        with pytest.raises(SettingError, match=match):
            load("folder", dir=str(folder))

    refuses("exists.*nowhere", tmp_path / "nowhere")
    (tmp_path / "void").mkdir()
    refuses("one subfolder of images per class", tmp_path / "void")
    picture(tmp_path / "lonely" / "red" / "1.png", (255, 0, 0))
    refuses("at least 2 classes", tmp_path / "lonely")

    (pictures / "green").mkdir()
    refuses("green.*an empty folder")
    (pictures / "green").rmdir()
    (pictures / "red" / "notes.txt").write_text("not an image")
    refuses(r"notes\.txt")
    (pictures / "red" / "notes.txt").unlink()
    picture(pictures / "stray.png", (255, 0, 0))
    refuses(r"stray\.png")
    for part in ("train", "val"):
        picture(tmp_path / "divided" / part / "red" / "1.png", (255, 0, 0))
    refuses("no folders but train, validation, test.*a folder", tmp_path / "divided")


def test_a_class_of_the_test_part_alone_is_refused(tmp_path, picture):
    for path in ("train/red", "train/blue", "test/red", "test/green"):
        picture(tmp_path / path / "1.png", (255, 0, 0))
    with pytest.raises(SettingError, match="class 'green'"):
        load("folder", dir=str(tmp_path))


def test_every_damaged_file_is_in_one_list(pictures):
    for number in (3, 5, 7):
        (pictures / "blue" / f"{number}.png").write_bytes(b"cut off")
    with pytest.raises(SettingError) as caught:
        load("folder", dir=str(pictures))
    said = str(caught.value)
    assert said.startswith("data.dir: expected image files; ")
    assert "Received: 3 files that can't be used\n" in said
    assert "data.skip_damaged=True goes on without them" in said
    for number in (3, 5, 7):
        assert f"{pictures / 'blue' / str(number)}.png: a file that is no image" in said


def test_damaged_files_can_be_left_out(pictures, caplog):
    whole = load("folder", dir=str(pictures))
    (pictures / "blue" / "extra.png").write_bytes(b"")
    source = load("folder", dir=str(pictures), skip_damaged=True)
    assert source.skipped == (str(pictures / "blue" / "extra.png"),)
    assert source.fingerprint == whole.fingerprint
    assert "1 of 31 files can't be used and are left out" in caplog.text
    assert "extra.png" in caplog.text


def test_formats_that_are_not_read_are_named(pictures):
    (pictures / "red" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    with pytest.raises(SettingError, match=r"phone\.heic.*convert it.*a HEIC file"):
        load("folder", dir=str(pictures))


@pytest.mark.parametrize("divided", [False, True])
def test_names_that_are_not_utf8(pictures, tmp_path, divided):
    """As old zip archives have them."""
    from ltpa_tf.data.prepare import prepare

    root = pictures
    if divided:
        root = tmp_path / "divided"
        for part in ("train", "test"):
            shutil.copytree(pictures, root / part)
    folder = root / "train" / "red" if divided else root / "red"
    (folder / "1.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    source = load("folder", dir=str(root))
    assert len(source.train) + len(source.test) == (60 if divided else 30)
    prepare(root, "old_zip", tmp_path / "sets")
    prepared = load("old_zip", dir=str(tmp_path / "sets"), image_size=8)
    assert pixels(prepared.train) == pixels(source.train)


def test_names_count_in_one_form_of_accents(tmp_path, picture):
    """A Mac stores "é" in two characters, other systems in one."""
    composed, decomposed = (unicodedata.normalize(f, "café") for f in ("NFC", "NFD"))
    for part, name in (("train", decomposed), ("test", composed)):
        for label, colour in ((name, (0, 0, 200)), ("thé", (200, 0, 0))):
            picture(tmp_path / part / label / f"{name}.png", colour)
    source = load("folder", dir=str(tmp_path))
    assert source.class_names == (composed, "thé")
    assert source.test.labels.tolist() == source.train.labels.tolist()
    (tmp_path / "test" / composed).rename(tmp_path / "test" / decomposed)
    assert load("folder", dir=str(tmp_path)).class_names == (composed, "thé")


def test_classes_that_look_the_same_are_refused(tmp_path, picture):
    for form in ("NFC", "NFD"):
        picture(tmp_path / unicodedata.normalize(form, "café") / "1.png", (0, 0, 9))
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system knows one form only")
    with pytest.raises(SettingError, match="differ in how accents are stored"):
        load("folder", dir=str(tmp_path))


def test_choices_change_pixels_and_fingerprint(pictures, picture):
    for name in ("red", "blue"):
        picture(pictures / name / "wide.png", (9, 99, 9), size=(40, 20))
    arguments = {"dir": str(pictures), "image_size": 32}
    squashed = load("folder", **arguments)
    padded = load("folder", **arguments, aspect="pad", background=(1, 2, 3))
    assert squashed.fingerprint != padded.fingerprint
    assert padded.preprocessing.aspect == "pad"
    borders = [(image[0] == (1, 2, 3)).all() for image in padded.train.array]
    assert 1 <= sum(borders) <= 2
    with pytest.raises(SettingError, match=r"data\.aspect: .*Received: 'fit'"):
        load("folder", **arguments, aspect="fit")
