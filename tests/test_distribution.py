import json
import os

import pytest
import tensorflow as tf

from ltpa_tf import cluster, distribution
from ltpa_tf.errors import SettingError

CLUSTER = {"worker": ["a:1", "b:2"]}
WORKER = {"type": "worker", "index": 0}


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    for name in [*filter(lambda n: n.startswith("SLURM_"), os.environ), "TF_CONFIG"]:
        monkeypatch.delenv(name, raising=False)


class Resolved:
    """A strategy's answers about its cluster."""

    def __init__(self, cluster, task_type, task_id):
        self.cluster_resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec(cluster), task_type=task_type, task_id=task_id
        )


def test_one_device_where_there_is_no_accelerator():
    strategy = distribution.make_strategy("auto")
    assert strategy.num_replicas_in_sync == 1
    assert distribution.is_chief(strategy)
    assert distribution.workers(strategy) == 1


@pytest.mark.parametrize(
    ("cluster", "task_type", "task_id", "chief"),
    [
        (CLUSTER, "worker", 0, True),
        (CLUSTER, "worker", 1, False),
        ({"chief": ["c:1"], **CLUSTER}, "chief", 0, True),
        ({"chief": ["c:1"], **CLUSTER}, "worker", 0, False),
    ],
)
def test_who_is_the_chief(cluster, task_type, task_id, chief):
    assert distribution.is_chief(Resolved(cluster, task_type, task_id)) is chief


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"cluster": {}}'])
def test_a_broken_tf_config_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(SettingError, match="TF_CONFIG: expected"):
        distribution.make_strategy("multi_worker")


@pytest.mark.parametrize(
    ("cluster", "task", "names"),
    [
        ([], WORKER, "cluster"),
        ({}, WORKER, "cluster"),
        ({"wrker": ["a:1"]}, {"type": "wrker", "index": 0}, "cluster"),
        ({"worker": "a:1"}, WORKER, "cluster.worker"),
        ({"worker": []}, WORKER, "cluster.worker"),
        ({"worker": ["a:1", "b"]}, WORKER, "cluster.worker"),
        ({"worker": ["a:1", 2]}, WORKER, "cluster.worker"),
        ({"chief": ["a:1", "b:2"]}, {"type": "chief", "index": 0}, "cluster.chief"),
        (CLUSTER, [], "task"),
        (CLUSTER, {}, "task.type"),
        (CLUSTER, WORKER | {"type": "wrker"}, "task.type"),
        (CLUSTER, WORKER | {"type": []}, "task.type"),
        (CLUSTER, {"type": "worker"}, "task.index"),
        (CLUSTER, WORKER | {"index": 2}, "task.index"),
        (CLUSTER, WORKER | {"index": -1}, "task.index"),
        (CLUSTER, WORKER | {"index": "0"}, "task.index"),
    ],
)
@pytest.mark.parametrize("strategy", ["auto", "multi_worker"])
def test_a_wrong_part_of_tf_config_is_named(
    monkeypatch, strategy, cluster, task, names
):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    with pytest.raises(SettingError) as caught:
        distribution.make_strategy(strategy)
    assert caught.value.setting == f"TF_CONFIG.{names}"


def test_workers_need_a_cluster():
    with pytest.raises(SettingError, match="neither TF_CONFIG nor a SLURM job step"):
        distribution.make_strategy("multi_worker")


@pytest.mark.parametrize("name", [None, "no-such-tpu"])
def test_a_tpu_that_is_not_there_is_a_sentence(monkeypatch, name):
    if name:
        monkeypatch.setenv("TPU_NAME", name)
    with pytest.raises(SettingError, match=r"runtime.strategy: .* no TPU was found"):
        distribution.make_strategy("tpu")


def test_a_cluster_of_one_is_one_device(monkeypatch):
    cluster = {"cluster": {"worker": ["a:1"]}, "task": WORKER}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert distribution.make_strategy("auto").num_replicas_in_sync == 1


def test_a_lost_worker_is_no_sentence_for_a_single_process():
    error = tf.errors.UnavailableError(None, None, "gone")
    with (
        pytest.raises(tf.errors.UnavailableError),
        distribution.lost_workers_as_errors(tf.distribute.get_strategy()),
    ):
        raise error


def test_xla_adds_up_on_the_gpus_of_one_machine_only(logical_devices, monkeypatch):
    # No collectives: two strategies with them can't be in one process.
    reduction = tf.distribute.ReductionToOneDevice()
    strategies = {
        n: tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(n)], reduction)
        for n in (1, 2, 4)
    }
    assert not distribution.xla_reduces(strategies[2])  # logical devices of a CPU
    monkeypatch.setattr(distribution, "_gpus", lambda: ["GPU:0", "GPU:1"])
    monkeypatch.setattr(distribution.os, "sched_getaffinity", lambda _: range(3))
    assert distribution.xla_reduces(strategies[2])
    assert not distribution.xla_reduces(strategies[1])
    # Four replicas would wait for each other on three threads for good.
    assert not distribution.xla_reduces(strategies[4])


def slurm(monkeypatch, nodes, tasks, rank, **others):
    """The environment that srun makes."""
    step = {"STEP_NUM_TASKS": "9", "STEP_NODELIST": nodes, "STEP_TASKS_PER_NODE": tasks}
    for name, value in (step | {"PROCID": str(rank)} | others).items():
        monkeypatch.setenv(f"SLURM_{name}", value)


@pytest.mark.parametrize(
    ("nodes", "tasks", "workers"),
    [
        ("node[9-10]", "1(x2)", "node9:10000 node10:10000"),
        (
            "node[098-101]",
            "1(x4)",
            "node098:10000 node099:10000 node100:10000 node101:10000",
        ),
        ("b2,a[1,3-4]", "1(x4)", "b2:10000 a1:10000 a3:10000 a4:10000"),
        ("r[1-2]n[08-09]", "1(x4)", "r1n08:10000 r1n09:10000 r2n08:10000 r2n09:10000"),
        ("n[9-10]", "2(x2)", "n9:10000 n9:10001 n10:10000 n10:10001"),
        ("n[9-11]", "2(x2),1", "n9:10000 n9:10001 n10:10000 n10:10001 n11:10000"),
        ("one", "3", "one:10000 one:10001 one:10002"),
    ],
)
def test_workers_are_in_the_order_of_slurm(monkeypatch, nodes, tasks, workers):
    workers = workers.split()
    for rank, address in enumerate(workers):
        node = list(dict.fromkeys(w.split(":")[0] for w in workers)).index(
            address.split(":")[0]
        )
        slurm(monkeypatch, nodes, tasks, rank, NODEID=str(node))
        assert cluster.from_environment() == {
            "cluster": {"worker": workers},
            "task": {"type": "worker", "index": rank},
        }


def test_jobs_that_share_a_machine_have_ports_of_their_own(monkeypatch):
    slurm(monkeypatch, "a", "1", 0, JOB_ID="1502")
    assert cluster.from_environment()["cluster"] == {"worker": ["a:10032"]}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"STEP_NODELIST": "node[9-"}, "STEP_NODELIST"),
        ({"STEP_NODELIST": ""}, "STEP_NODELIST"),
        ({"STEP_TASKS_PER_NODE": "two"}, "STEP_TASKS_PER_NODE"),
        ({"STEP_TASKS_PER_NODE": "2(x3)"}, "STEP_TASKS_PER_NODE"),
        ({"PROCID": "4"}, "PROCID"),
        ({"PROCID": "first"}, "PROCID"),
        ({"NODEID": "1"}, "NODEID"),  # dealt out in turns: task 1 is on the other node
    ],
)
def test_a_step_that_can_not_be_understood_is_named(monkeypatch, settings, named):
    slurm(monkeypatch, "n[1-2]", "2(x2)", 1, **settings)
    with pytest.raises(SettingError) as caught:
        distribution.make_strategy("multi_worker")
    assert caught.value.setting == f"SLURM_{named}"
