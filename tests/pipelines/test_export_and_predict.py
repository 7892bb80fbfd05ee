"""From a run folder to an export, and from image files to answers."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image


def encode(size, form):
    stream = io.BytesIO()
    Image.new("RGB", size, (9, 200, 30)).save(stream, form)
    return stream.getvalue()


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
        with (output / "predictions.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        assert [row["class"] for row in rows] == [one["class"] for one in answers[-1]]
        assert float(rows[0]["probability"]) == answers[-1][0]["probability"]
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
        assert np.shape(left["maps"]["2"]) == (16, 16)
        np.testing.assert_allclose(left["maps"]["4"], right["maps"]["4"], atol=1e-5)


def test_one_bad_file_of_many(start_anew, exported, photos, tmp_path):
    """The good ones are answered, the bad ones listed; the exit code says so."""
    many = tmp_path / "many"
    shutil.copytree(photos / "deep", many)
    (many / "bad.jpg").write_bytes((many / "c.jpeg").read_bytes()[:-30])
    (many / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    (many / "dog, sleeping.bmp").write_bytes(encode((40, 30), "BMP"))
    done = start_anew(
        "predict",
        f"--saved_model={exported}",
        f"--images={many}",
        f"--images={many}/dog, sleeping.bmp",
        f"--images={many}/*.jpeg",
        f"--output={tmp_path / 'answers'}",
        f"{photos}/a.png",  # as a shell lists the rest of a pattern
    )
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert len(errors) == 2
    assert "bad.jpg: expected" in errors[0] and "a HEIC file" in errors[1]
    answers = json.loads((tmp_path / "answers" / "predictions.json").read_text())
    names = [one["image"].rpartition("/")[2] for one in answers]
    bitmap = "dog, sleeping.bmp"
    assert names == ["c.jpeg", bitmap, bitmap, "c.jpeg", "a.png"]


@pytest.mark.parametrize(
    ("program", "flags", "said"),
    [
        ("export", ["--workdir=/nowhere", "--export_dir=/tmp/x"], "no config.json"),
        *(
            (
                name,
                [f"--workdir={run}", f"--export_dir={where}"],
                f"--export_dir: expected a folder outside of --workdir={run}. "
                f"Received: '{where}'",
            )
            for name, run, where in (
                ("export", "runs/one", "runs/one"),
                ("export", "runs/one/", "runs/../runs/one/exports"),
                ("export", "s3://bucket/run", "s3://bucket/run/"),
                ("quickstart", "runs/one", "runs/one/exports"),
            )
        ),
        ("monitor", ["--model_dir=/nowhere", "--requests=x"], "--model_dir: expected"),
        ("check_export", ["one", "other"], "unexpected arguments ['other']"),
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
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_a_folder_that_is_none_is_refused_before_the_work(start, photos, tmp_path):
    (taken := tmp_path / "taken").touch()
    flags = "--preset=cifar10_att2_small", f"--images={photos}", f"--output={taken}"
    done = start("predict", *flags)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --output: expected a folder")
    assert not done.stdout
