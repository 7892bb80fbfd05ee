"""From a run folder to an export, and from image files to answers."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    (folder / "deep").mkdir()
    for name, size in (
        ("a.png", (32, 32)),
        ("b [copy].JPG", (99, 70)),
        ("deep/c.jpeg", (2, 400)),
    ):
        pixels = rng.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(
            folder / name, "PNG" if name == "a.png" else "JPEG"
        )
    (folder / "notes.txt").write_text("no image")
    (folder / "deep" / "._c.jpeg").write_text("what a Mac writes beside c.jpeg")
    return folder


def test_run_and_export_answer_alike(start, trained_run, exported, photos, tmp_path):
    answers = []
    for source in (f"--workdir={trained_run}", f"--saved_model={exported}"):
        output = tmp_path / str(len(answers))
        done = start("predict", source, f"--images={photos}", f"--output={output}")
        assert done.returncode == 0, done.stderr
        assert "b [copy].JPG" in done.stdout and "notes" not in done.stdout
        answers.append(json.loads((output / "predictions.json").read_text()))
        names = sorted(file.name for file in output.glob("*.png"))
        assert names == ["000_a.png", "001_b [copy].png", "002_c.png"]
        # The image itself and its overlays of two levels, side by side.
        with Image.open(output / "000_a.png") as strip:
            assert strip.size == (3 * 256, 256)
        with Image.open(output / "002_c.png") as strip:
            assert strip.size == (3 * 256, 1)
    of_run, of_export = answers
    assert [one["image"] for one in of_run] == [one["image"] for one in of_export]
    for left, right in zip(of_run, of_export, strict=True):
        assert left["class"] == right["class"] in {"cat", "dog", "owl"}
        assert left["top"] == pytest.approx(right["top"], abs=1e-5)
        assert np.shape(left["maps"]["7"]) == (32, 32)
        np.testing.assert_allclose(left["maps"]["10"], right["maps"]["10"], atol=1e-5)


@pytest.mark.parametrize(
    ("program", "flags", "said"),
    [
        ("export", ["--workdir=/nowhere", "--export_dir=/tmp/x"], "--workdir"),
        ("predict", ["--images=setup.cfg"], "exactly one"),
        ("predict", ["--images=configs", "--saved_model=/nowhere"], "JPEG or PNG"),
        ("predict", ["--images=", "--saved_model=/nowhere"], "that exist"),
        ("predict", ["--images=setup.cfg", "--saved_model=x", "--version=7"], "server"),
        ("predict", ["--images=gone.png", "--saved_model=/nowhere"], "that exist"),
        ("predict", ["--images=setup.cfg", "--saved_model=/nowhere"], "export.py"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(start, program, flags, said):
    done = start(program, *flags)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
