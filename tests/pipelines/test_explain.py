"""explain.py on examples of the run's data and on a user's own images."""

import numpy as np
import pytest
from PIL import Image

from ltpa_tf import data, explain
from ltpa_tf.errors import SettingError
from ltpa_tf.report import write_report
from ltpa_tf.run import RunFolder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (32, 32)), ("b.jpg", (99, 70)), ("c.jpeg", (40, 200))):
        pixels = rng.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    Image.fromarray(pixels[..., 0]).save(folder / "grey.png")
    return folder


def pictures(run):
    return sorted(file.name for file in (run / "attention").iterdir())


def test_draws_a_sample_of_the_test_images(start_anew, digits_run):
    (digits_run / "attention").mkdir(exist_ok=True)
    (digits_run / "attention" / "007.png").touch()  # of an earlier, longer call
    done = start_anew("explain", f"--workdir={digits_run}", "--count=2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(digits_run / "attention.png")
    assert pictures(digits_run) == ["000.png", "001.png"]
    with Image.open(digits_run / "attention.png") as picture:
        picture.verify()


def test_own_images_of_any_size(start, digits_run, photos):
    done = start("explain", f"--workdir={digits_run}", f"--images={photos}")
    assert done.returncode == 0, done.stderr
    assert pictures(digits_run) == ["000.png", "001.png", "002.png", "003.png"]


def test_a_report(start, digits_run):
    done = start("explain", f"--workdir={digits_run}", "--report", "--indices=3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(digits_run / "report.html")
    assert "test 3" in (digits_run / "report.html").read_text()


@pytest.mark.parametrize("index", [[], [2000], [3, -1]])
def test_examples_are_known_to_be_there_before_data_and_model(
    digits_run, tmp_path, index
):
    (tmp_path / "dataset.json").write_bytes((digits_run / "dataset.json").read_bytes())
    for draws in (explain.explain_run, write_report):
        with pytest.raises(SettingError, match="--indices: expected 0 to 1999"):
            draws(RunFolder(tmp_path), indices=index)


def test_images_and_maps_are_of_the_test_split(digits_run, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        explain.run_pictures, "write", lambda run, items: drawn.extend(items)
    )
    explain.explain_run(RunFolder(digits_run), indices=[5, 1999, 0])
    test = data.load("digits").test
    for item, index in zip(drawn, [5, 1999, 0], strict=True):
        np.testing.assert_array_equal(item.image, test.array[index])
        assert item.label == test.labels[index]
        assert item.box == tuple(test.boxes[index])
        assert item.name == f"test {index}"
        alone = explain.explain(
            RunFolder(digits_run).load_model(), test.array[index : index + 1]
        )[0]
        np.testing.assert_allclose(item.maps["level_4"], alone.maps["level_4"], 1e-4)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--workdir=nowhere"], "nowhere"),
        (["--workdir={run}", "--images={photos}/none.png"], "none.png"),
        (["--workdir={run}", "--images={bad}/broken.jpg"], "broken.jpg: expected"),
        (["--workdir={run}", "--images={bad}/text.png"], "a file that is no image"),
        (["--workdir={run}", "--images="], "files and folders that exist"),
        (["--workdir={run}", "--images={bad}/empty"], "JPEG or PNG"),
        (["--workdir={run}", "--indices=2000"], "0 to 1999"),
        (["--workdir={run}", "--indices=two"], "whole numbers"),
        (["--workdir={run}", "--indices="], "at least one"),
        (["--workdir={run}", "--indices=1", "--images={photos}"], "--images"),
        (["--workdir={run}", "--count=0"], "count"),
        (["--workdir={run}", "--report", "--maps=grad_cam"], "gradcam"),
        (["--workdir={run}", "--report", "--images={photos}"], "beside --report"),
        (["--workdir={run}", "--maps=attention"], "nothing without --report"),
    ],
)
def test_mistakes_are_sentences(start, digits_run, photos, tmp_path, flags, said):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no image")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty").mkdir()
    places = {"run": digits_run, "photos": photos, "bad": tmp_path}
    done = start("explain", *(flag.format(**places) for flag in flags))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_one_bad_file_of_many(start, digits_run, photos, tmp_path):
    for name in ("a.png", "b.jpg"):
        (tmp_path / name).write_bytes((photos / name).read_bytes())
    (tmp_path / "bad.jpg").write_bytes((photos / "b.jpg").read_bytes()[:-30])
    done = start("explain", f"--workdir={digits_run}", f"--images={tmp_path}")
    assert done.returncode == 1
    assert "bad.jpg: expected" in done.stderr
    assert pictures(digits_run) == ["000.png", "001.png"]
