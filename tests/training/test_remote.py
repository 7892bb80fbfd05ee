"""Runs whose folder is in a store, in processes that are killed."""

import os
import re
import signal

import pytest
import s3
from children import Children, wait_for
from comparison import assert_same_run

SETTINGS = {
    "train__epochs": 8,
    "checkpoint__every_steps": 3,
    "runtime__steps_per_call": 1,
    "runtime__deterministic": True,
    "log__tensorboard": True,
}


@pytest.fixture(scope="module")
def children(tmp_path_factory):
    children = Children(tmp_path_factory.mktemp("log") / "log")
    yield children
    children.close()


def has_uploaded(store, url, step):
    def found():
        steps = [
            int(name[-13:-5])
            for name in store.names(url)
            if name.startswith("checkpoints/") and name.endswith(".json")
        ]
        return any(one >= step for one in steps)

    return found


@pytest.mark.parametrize("scheme", ["s3", pytest.param("gs", marks=pytest.mark.slow)])
def test_killed_and_continued_is_the_uninterrupted_run(
    request, scheme, children, tmp_path
):
    store = request.getfixturevalue(scheme)
    url = f"{scheme}://{s3.BUCKET}/{tmp_path.name}"
    children.start(tmp_path / "whole", **SETTINGS)
    assert children.exit_code() == 0, children.said()
    process = children.start(url, **SETTINGS)
    wait_for(has_uploaded(store, url, 6), process)
    os.kill(process, signal.SIGKILL)
    assert children.exit_code() == -signal.SIGKILL
    children.start(url, **SETTINGS)
    assert children.exit_code() == 0, children.said()
    assert "Continuing after step" in children.said()
    assert_same_run(store.fetch(url, tmp_path / "fetched"), tmp_path / "whole")
    # Two checkpoints are kept there, too, and nobody owns the folder any more.
    found = store.names(url)
    assert sum(name.startswith("checkpoints/") for name in found) == 4, found
    assert ".owner" not in found
    assert any(name.startswith("events/") for name in found)


@pytest.mark.slow
def test_a_complete_run_is_known(s3, bucket, children):
    children.start(bucket, **SETTINGS)
    assert children.exit_code() == 0, children.said()
    children.start(bucket, **SETTINGS)
    assert children.exit_code() == 0, children.said()
    assert f"{bucket} is complete: 8 epochs." in children.said()
    children.start(bucket, **SETTINGS | {"train__batch_size": 8})
    assert children.exit_code() == 2
    assert re.search(f"--workdir: .*Received: '{bucket}'", children.said())


@pytest.mark.slow
def test_asked_to_stop_it_uploads_first(s3, bucket, children):
    process = children.start(bucket, **SETTINGS)
    wait_for(has_uploaded(s3, bucket, 3), process)
    os.kill(process, signal.SIGTERM)
    assert children.exit_code() == 143, children.said()
    (sentence,) = [
        line for line in children.said().splitlines() if "Stopped by" in line
    ]
    step = int(sentence.partition("after step ")[2].partition(",")[0])
    assert f"checkpoints/step-{step:08d}.json" in s3.names(bucket)
    assert "summary.json" not in s3.names(bucket)
