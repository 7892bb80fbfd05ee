"""Programs on folders of a store."""

import pytest

from ltpa_tf.serving import Predictor, server_files


def put(s3, folder, url):
    s3.store().put(str(folder), url.removeprefix("s3://"), recursive=True)


@pytest.mark.slow
def test_an_export_from_a_store_to_a_store(s3, bucket, start, digits_run, tmp_path):
    put(s3, digits_run, f"{bucket}/run")
    base = f"{bucket}/models/of digits"
    for version in ("1", "2"):
        done = start("export", f"--workdir={bucket}/run", f"--export_dir={base}")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == f"{base}/{version}"
    folder = s3.fetch(base, tmp_path)
    answers = Predictor.from_saved_model(folder / "2").predict_files(
        sorted((folder / "2" / "samples").iterdir())
    )
    assert len(answers) == 8
    model = server_files.read_models(folder)
    assert (model.base_path, model.name) == (base, "of digits")
    assert server_files.read_labels(folder) == {"canary": 2, "stable": 1}
    # A server that looks at any moment finds a version whole, then its label.
    uploads = s3.uploads(f"{bucket}/models/of%20digits")
    assert uploads.index("1/saved_model.pb") == uploads.index("models.config") - 1
    assert uploads[-2:] == ["2/saved_model.pb", "models.config"]


def test_what_is_added_to_a_run_is_uploaded(s3, bucket, start, digits_run):
    put(s3, digits_run, bucket)
    before = s3.names(bucket)
    done = start("explain", f"--workdir={bucket}", "--count=2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{bucket}/attention.png",
        f"{bucket}/attention: 2 images",
    ]
    added = ["attention.png", "attention/000.png", "attention/001.png"]
    assert s3.names(bucket) == sorted([*before, *added])


@pytest.mark.parametrize(
    ("program", "flags", "named"),
    [
        ("predict", ["--preset=x", "--images=.", "--output=s3://b/x"], "--output"),
        ("prepare_data", ["--source=.", "--name=x", "--data_dir=gs://b"], "--data_dir"),
        (
            "tune",
            ["--config=configs/tune_quickstart.py", "--workdir=s3://b/x"],
            "--workdir",
        ),
    ],
)
def test_where_stores_are_not_taken_it_is_a_sentence(start, program, flags, named):
    done = start(program, *flags)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {named}: expected")
    assert "a path of this machine, no store's" in done.stderr
