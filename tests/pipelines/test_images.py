"""Which files `--images` stands for."""

import pytest

from ltpa_tf.errors import SettingError
from ltpa_tf.programs.images import image_files


@pytest.fixture
def photos(tmp_path):
    for name in ("a.jpg", "b,c.PNG", "d.webp", "e.heic", "notes.txt", ".hidden.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "f[1].tiff").touch()
    return tmp_path


def names(*given, **options):
    return [file.name for file in image_files([str(one) for one in given], **options)]


def test_a_folder_is_all_images_in_it(photos):
    """Those too that will be refused: nothing is left out without a word."""
    assert names(photos) == ["a.jpg", "b,c.PNG", "f[1].tiff", "d.webp", "e.heic"]
    assert "f[1].tiff" not in names(photos, recursive=False)


def test_a_name_is_a_file_before_it_is_anything_else(photos):
    assert names(photos / "b,c.PNG") == ["b,c.PNG"]
    assert names(photos / "below" / "f[1].tiff") == ["f[1].tiff"]
    assert names(f"{photos}/a.jpg,{photos}/d.webp") == ["a.jpg", "d.webp"]
    assert names(photos / "*.jpg", photos / "a.jpg") == ["a.jpg", "a.jpg"]
    assert names(f"{photos}/**/*.tiff") == ["f[1].tiff"]


@pytest.mark.parametrize("given", ["gone.jpg", "a.jpg,gone.jpg", "*.gone", ""])
def test_what_is_not_there_is_named(photos, given):
    with pytest.raises(SettingError, match="--images.*files and folders that exist"):
        names(str(photos / given) if given else given)
    with pytest.raises(SettingError, match="--images"):
        names()


@pytest.mark.parametrize("program", ["predict", "explain"])
def test_help_tells_of_images(start, program):
    said = start(program, "--help").stdout
    assert "\n  --images: An image file" in said
    assert "\n  --[no]recursive: " in said
