"""Names of files, and what is said of several."""

import os
import unicodedata
from pathlib import Path

import pytest
from image_kinds import encode, picture

from ltpa_tf.errors import SettingError
from ltpa_tf.images import files, kind_of
from ltpa_tf.images.kinds import ACCEPTED, BadImage
from ltpa_tf.words import text_of


def test_all_bad_files_are_in_one_list(tmp_path):
    bad = [SettingError(f"{n}.jpg", "an empty file", ACCEPTED) for n in range(120)]
    for n in (7, 8):
        bad[n] = SettingError(f"{n}.jpg", "a HEIC file", "it converted to PNG")
    with pytest.raises(SettingError) as caught:
        files.refuse(bad, "data.dir", "data.skip_damaged=True goes on without them")
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        "data.dir: expected image files; data.skip_damaged=True goes on without them. "
        "Received: 120 files that can't be used"
    )
    assert lines[1] == "  0.jpg: an empty file"
    assert lines[8] == "  7.jpg: a HEIC file; expected it converted to PNG"
    assert lines[9] == "  8.jpg: a HEIC file"
    assert lines[-1] == "  and 20 more"
    with pytest.raises(SettingError, match=r"^0\.jpg: .*Received: 'an empty file'"):
        files.refuse(bad[:1], "data.dir")
    files.refuse([], "data.dir")


def test_names_that_are_no_text_can_be_printed_and_compared():
    name = os.fsdecode(b"caf\xe9.jpg")
    assert text_of(name) == r"caf\xe9.jpg"
    text_of(name).encode()
    decomposed = unicodedata.normalize("NFD", "café")
    assert decomposed != "café" == files.normal(decomposed)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingError, match=r"gone\.png.*No such file"):
        files.check_file(tmp_path / "gone.png")


def test_results_keep_their_places(tmp_path):
    paths = [tmp_path / f"{n}.png" for n in range(4)]
    for path in paths:
        path.write_bytes(encode(picture()))
    paths[2].write_bytes(b"")
    images = files.read_images(paths, (8, 8), files.Preprocessing())
    assert [isinstance(one, SettingError) for one in images] == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\0\0\0\x18ftypheic", "a HEIC file"),
        (b"\0\0\0\x1cftypavif", "an AVIF file"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "an AVIF file"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "a HEIC file"),
        (b"\xff\x0a\0\0", "a JPEG XL file"),
        (b"<?xml version='1.0'?><svg/>", "an SVG file"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        (b"%PDF-1.7", "a PDF file"),
        (b"hello", "no image"),
        (b"", "an empty file"),
    ],
)
def test_what_is_no_image_is_named(content, said):
    with pytest.raises(BadImage, match=said) as caught:
        kind_of(content)
    if "HEIC" in said or "AVIF" in said:
        assert "convert it" in caught.value.accepted


def test_the_rooms_doors_need_no_tensorflow():
    """The client imports them."""
    import subprocess
    import sys

    code = "import sys, ltpa_tf.images.sending, ltpa_tf.images.files; "
    code += "assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
