"""benchmark.py, as small as it goes."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from PIL import Image

TINY = ("--batch_size=4", "--width=0.0625", "--seconds=0.05", "--jit=off")
NO_SERIES = ("--batch_sizes=", "--image_sizes=", "--widths=", "--levels=")


@pytest.mark.slow
def test_writes_figures_and_a_plot(start_anew, tmp_path):
    flags = (*TINY, *NO_SERIES, "--levels=0", "--jobs=2")
    done = start_anew("benchmark", f"--out={tmp_path}", *flags)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "benchmark.json").read_text())
    assert report["base"]["width"] == 0.0625
    assert report["failed"] == []
    control, without, base = report["points"]
    assert [p["axis"] for p in report["points"]] == ["control", "levels", "levels"]
    assert (control["levels"], without["levels"], base["levels"]) == (0, 0, 3)
    # One point is measured once, however many axes it is on.
    assert control["step_ms_repeats"] == without["step_ms_repeats"]
    assert base["parameters"] > control["parameters"] > 0
    for point in report["points"]:
        assert len(point["step_ms_repeats"]) == 3
        rate = 1000 * point["batch_size"] / point["step_ms"]
        assert point["images_per_second"] == pytest.approx(rate)
        assert point["compile_seconds"] > 0
        assert point["device"] == "CPU"
        assert point["peak_memory_gb"] is None
    expected = 1 - control["step_ms"] / base["step_ms"]
    assert report["attention_share"] == pytest.approx(expected)
    with Image.open(tmp_path / "benchmark.png") as picture:
        picture.verify()


@pytest.mark.parametrize(
    ("flag", "sentence"),
    [
        ("--batch_size=0", "batch_size: expected 1 or more.*Received: 0"),
        ("--levels=1.5", "--levels: expected whole numbers.*Received: '1.5'"),
        ("--seconds=0", "--seconds: expected a finite number above 0.*Received: 0.0"),
        ("--out=setup.cfg", "--out: expected a folder that can.*Received: 'setup.cfg'"),
        ("--out=", "--out: expected a value. Received: ''"),
    ],
)
def test_what_cannot_be_measured(start, tmp_path, flag, sentence):
    done = start("benchmark", f"--out={tmp_path}", *NO_SERIES, flag)
    assert done.returncode == 2
    assert re.search(sentence, done.stderr)
    assert done.stdout == ""


@pytest.mark.slow
def test_what_was_measured_outlives_a_kill(tmp_path):
    flags = (*TINY, *NO_SERIES, "--levels=0", f"--out={tmp_path}")
    with subprocess.Popen(
        [sys.executable, "-m", "pipelines.benchmark", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as program:
        lines = [program.stdout.readline() for _ in range(2)]  # the third is to come
        os.killpg(program.pid, signal.SIGKILL)
    assert all("images/s" in line for line in lines)
    report = json.loads((tmp_path / "benchmark.json").read_text())
    assert report["points"][0]["images_per_second"] > 0
    assert report["attention_share"] is None
