"""The training program, from the command line to its exit codes."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

TINY = (
    "--config=configs/quickstart.py",
    "--config.model.trunk=faster",
    "--config.model.levels=2,4",
    "--config.model.width=0.0625",
    "--config.data.train_examples=128",
    "--config.data.validation_examples=32",
    "--config.train.batch_size=32",
    "--config.train.epochs=1",
    "--config.log.tensorboard=False",
)


def test_trains_once_and_only_this_config(start_anew, start, tmp_path):
    folder = tmp_path / "a run"
    done = start_anew("train", *TINY, f"--workdir={folder}")
    assert done.returncode == 0, done.stderr
    summary = json.loads((folder / "summary.json").read_text())
    accuracy = summary["metrics"]["val_accuracy"]
    assert done.stdout.startswith(
        f"{folder}: 1 epoch, validation accuracy {accuracy:.2%}"
    )
    assert "epoch 1/1" in done.stderr

    again = start("train", *TINY, f"--workdir={folder}")
    assert again.returncode == 0
    assert "is complete: 1 epoch." in again.stdout
    assert json.loads((folder / "summary.json").read_text()) == summary

    other = start("train", *TINY, "--config.seed=1", f"--workdir={folder}")
    assert other.returncode == 2
    assert "holds a run with seed = 0, and not 1" in other.stderr
    assert "Traceback" not in other.stderr


@pytest.mark.slow
def test_sigterm_ends_it_with_a_code_of_its_own(tmp_path):
    flags = (*TINY, "--config.train.epochs=1000", f"--workdir={tmp_path}")
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.train", *flags],
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not (tmp_path / "checkpoints").exists():
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 143
    assert "error: Stopped by SIGTERM after step" in said
    assert "Traceback" not in said
