"""Several processes that train one model together."""

import json
import os
import re
import signal
import socket
import time

import pytest
from children import Children, has_saved, wait_for
from comparison import assert_same_run, lines
from ports import free_port

from ltpa_tf.checkpoints import Checkpoints

SETTINGS = {
    "augment__cutmix": 1.0,
    "checkpoint__every_steps": 3,
    "runtime__deterministic": True,
    "runtime__strategy": "auto",
    "train__small_size": 6,
    "train__small_share": 0.6,
}
# A lost worker is noticed by its heartbeat within some ten seconds.
BOUND = 60.0


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two servers of processes."""
    folder = tmp_path_factory.mktemp("logs")
    pair = [Children(folder / f"log{i}") for i in range(2)]
    yield pair
    for children in pair:
        children.close()


def tf_config():
    """The environments of two workers by TF_CONFIG."""
    hosts = [f"localhost:{free_port()}" for _ in range(2)]
    tasks = [{"type": "worker", "index": index} for index in range(2)]
    return [
        {"TF_CONFIG": json.dumps({"cluster": {"worker": hosts}, "task": task})}
        for task in tasks
    ]


def slurm():
    """The environments that srun makes for two tasks on one machine."""
    step = {
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": "2",
    }
    return [step | {"SLURM_PROCID": str(index)} for index in range(2)]


def start_workers(pair, folder, environments=tf_config, only=None, **settings):
    """Starts one worker on each server; their process numbers.

    `only`: a variable for the environment of one of them, and which one.
    """
    environments = environments()
    if only:
        name, index = only
        environments[index][name] = "1"
    return [
        children.start(folder, environment=environment, **SETTINGS | settings)
        for children, environment in zip(pair, environments, strict=True)
    ]


def exit_codes(pair):
    return [children.exit_code() for children in pair]


def test_two_workers_equal_two_replicas(pair, tmp_path):
    mirrored = SETTINGS | {"runtime__strategy": "mirrored"}
    pair[0].start(tmp_path / "replicas", devices=2, **mirrored)
    assert pair[0].exit_code() == 0, pair[0].said()
    start_workers(pair, tmp_path / "workers")
    assert exit_codes(pair) == [0, 0], pair[0].said() + pair[1].said()
    assert_same_run(tmp_path / "workers", tmp_path / "replicas")
    assert "epoch 2/2" in pair[0].said()
    assert "epoch 2/2" not in pair[1].said()  # the chief speaks
    for children in pair:
        assert "Waiting for the other workers: localhost:" in children.said()


def test_a_port_that_is_taken_is_a_sentence(pair, tmp_path):
    environment = tf_config()[0]
    address = json.loads(environment["TF_CONFIG"])["cluster"]["worker"][0]
    with socket.create_server(("", int(address.partition(":")[2]))):
        pair[0].start(tmp_path / "run", environment=environment, **SETTINGS)
        assert pair[0].exit_code() == 2, pair[0].said()
    assert re.search(f"TF_CONFIG: .*Received: '{address}'", pair[0].said())


def test_workers_stream(pair, tmp_path):
    start_workers(pair, tmp_path / "run", data__placement="resident")
    assert exit_codes(pair) == [2, 2], pair[0].said() + pair[1].said()
    assert re.search("data.placement: .*Received: 'resident'", pair[0].said())


@pytest.mark.slow
@pytest.mark.parametrize("stops", [0, 1])
def test_a_callback_that_stops_one_worker_stops_both(pair, tmp_path, stops):
    start_workers(pair, tmp_path / "run", only=("STOP_FIRST", stops))
    assert exit_codes(pair) == [0, 0], pair[0].said() + pair[1].said()
    assert [line["epoch"] for line in lines(tmp_path / "run")] == [1]


@pytest.mark.slow
@pytest.mark.parametrize("dies", [0, 1])
def test_a_worker_that_dies_at_its_start_ends_the_other(pair, tmp_path, dies):
    start_workers(pair, tmp_path / "run", only=("DIE_BUILDING", dies))
    assert pair[dies].exit_code() == -signal.SIGKILL
    died = time.monotonic()
    assert pair[1 - dies].exit_code() == 138, pair[1 - dies].said()
    assert time.monotonic() - died < BOUND


@pytest.fixture(scope="module")
def uninterrupted(pair, tmp_path_factory):
    """A run of two workers, long enough to be cut off."""
    folder = tmp_path_factory.mktemp("runs") / "uninterrupted"
    start_workers(pair, folder, train__epochs=30)
    assert exit_codes(pair) == [0, 0], pair[0].said() + pair[1].said()
    return folder


@pytest.mark.slow
def test_workers_find_each_other_in_slurm(pair, uninterrupted, tmp_path):
    start_workers(pair, tmp_path / "run", slurm, train__epochs=30)
    assert exit_codes(pair) == [0, 0], pair[0].said() + pair[1].said()
    assert_same_run(tmp_path / "run", uninterrupted)


@pytest.mark.slow
@pytest.mark.parametrize("dies", [0, 1])
def test_a_dead_worker_ends_the_other_and_both_continue(
    pair, uninterrupted, tmp_path, dies
):
    folder = tmp_path / "run"
    processes = start_workers(pair, folder, train__epochs=30)
    wait_for(has_saved(folder), processes[0])
    time.sleep(0.3)
    os.kill(processes[dies], signal.SIGKILL)
    died = time.monotonic()
    assert pair[dies].exit_code() == -signal.SIGKILL
    assert pair[1 - dies].exit_code() == 138
    assert time.monotonic() - died < BOUND
    assert "Another worker of this run was lost" in pair[1 - dies].said()
    start_workers(pair, folder, train__epochs=30)
    assert exit_codes(pair) == [0, 0], pair[0].said() + pair[1].said()
    assert_same_run(folder, uninterrupted)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [0, 1])
def test_one_worker_asked_to_stop_stops_both_at_the_same_step(
    pair, uninterrupted, tmp_path, asked
):
    folder = tmp_path / "run"
    processes = start_workers(pair, folder, train__epochs=30)
    wait_for(has_saved(folder), processes[0])
    os.kill(processes[asked], signal.SIGTERM)
    assert exit_codes(pair) == [143, 143]
    step = Checkpoints(folder / "checkpoints", keep=2).steps()[0]
    for children in pair:
        assert f"after step {step}" in " ".join(children.said().split())
    start_workers(pair, folder, train__epochs=30)
    assert exit_codes(pair) == [0, 0], pair[0].said() + pair[1].said()
    assert_same_run(folder, uninterrupted)


def manifests(names):
    return [name for name in names if re.fullmatch(r"checkpoints/step-\d+\.json", name)]


@pytest.mark.slow
def test_workers_whose_folder_is_in_a_store(s3, bucket, pair, tmp_path):
    start_workers(pair, tmp_path / "whole", train__epochs=90)
    assert exit_codes(pair) == [0, 0], pair[0].said() + pair[1].said()
    processes = start_workers(pair, bucket, train__epochs=90)
    # Uploads skip checkpoints that a newer one has followed: any of them will do. The
    # epochs are so many that training outlasts the first one.
    wait_for(lambda: manifests(s3.names(bucket)), processes[0])
    os.kill(processes[0], signal.SIGKILL)
    assert exit_codes(pair) == [-signal.SIGKILL, 138], pair[1].said()
    start_workers(pair, bucket, train__epochs=90)
    assert exit_codes(pair) == [0, 0], pair[0].said() + pair[1].said()
    assert "Continuing after step" in pair[0].said()
    assert_same_run(s3.fetch(bucket, tmp_path / "fetched"), tmp_path / "whole")
