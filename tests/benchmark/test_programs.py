"""Benchmark programs refuse a flag before they measure for minutes."""

import subprocess
import sys
from pathlib import Path

import pytest

FAST = "--config=configs/cifar10_fast.py"


@pytest.mark.parametrize(
    ("program", "flags", "sentence"),
    [
        ("step", ["--tasks=train,infer0"], "--tasks: received 'infer0'; accepted: tra"),
        ("step", ["--peers=bogus"], "--peers: received 'bogus'; accepted: some of tor"),
        ("step", ["--data=none.npz"], "--data: received 'none.npz'; accepted: an npz"),
        ("step", ["--peer_python=none"], "--peer_python: received 'none'; accepted: a"),
        ("step", ["--rounds=0"], "--rounds=0: 0 is not a positive integer"),
        ("step", ["--out=none/a.jsonl"], "--out: received 'none/a.jsonl'; accepted:"),
        ("data", ["--tasks=bogus"], "--tasks: received 'bogus'; accepted: some of sm"),
        ("data", ["--out=none/a.jsonl"], "--out: received 'none/a.jsonl'; accepted:"),
        ("time_to_accuracy", [FAST, "--seeds=0"], "--seeds=0: 0 is not a positive"),
        (
            "time_to_accuracy",
            [FAST, "--peer=none"],
            "--peer: received 'none'; accepted:",
        ),
        ("time_to_accuracy", [FAST, "--out=."], "--out: received '.'; accepted: a"),
    ],
)
def test_refuses(program, flags, sentence):
    done = subprocess.run(
        [sys.executable, "-m", f"ltpa_tf.benchmark.{program}", *flags],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert done.stdout == ""
