"""Benchmark programs refuse a flag before they measure for minutes."""

import re

import forked
import pytest

FAST = "--config=configs/cifar10_fast.py"


@pytest.mark.parametrize(
    ("program", "flags", "sentence"),
    [
        ("step", ["--tasks=train,infer0"], "--tasks: expected tra.*Received: 'infer0'"),
        ("step", ["--peers=bogus"], "--peers: expected some of tor.*Received: 'bogus'"),
        ("step", ["--data=none.npz"], "--data: expected an npz.*Received: 'none.npz'"),
        ("step", ["--peer_python=none"], "--peer_python: expected a.*Received: 'none'"),
        ("step", ["--rounds=0"], "--rounds=0: 0 is not a positive integer"),
        ("step", ["--out=none/a.jsonl"], "--out: expected .*Received: 'none/a.jsonl'"),
        ("data", ["--tasks=bogus"], "--tasks: expected some of sm.*Received: 'bogus'"),
        ("data", ["--out=none/a.jsonl"], "--out: expected .*Received: 'none/a.jsonl'"),
        ("attached", ["--rounds=-1"], "--rounds: -1 is not a positive integer"),
        ("attached", ["--batches", "1", "0"], "--batches: 0 is not a positive integer"),
        ("map_forms", ["--rounds=0"], "--rounds: 0 is not a positive integer"),
        ("map_parts", ["--rounds=x"], "--rounds: x is not a positive integer"),
        ("serving", ["--clients=0"], "--clients: 0 is not a positive integer"),
        ("time_to_accuracy", [FAST, "--seeds=0"], "--seeds=0: 0 is not a positive"),
        (
            "time_to_accuracy",
            [FAST, "--peer=none"],
            "--peer: expected .*Received: 'none'",
        ),
        ("time_to_accuracy", [FAST, "--out=."], "--out: expected a.*Received: '.'"),
    ],
)
def test_refuses(program, flags, sentence):
    done = forked.run(f"ltpa_tf.benchmark.{program}", *flags)
    assert done.returncode == 2, done.stderr
    assert re.search(sentence, done.stderr)
    assert done.stdout == ""
