import json

import pytest
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.training import distribution

CLUSTER = {"worker": ["a:1", "b:2"]}
WORKER = {"type": "worker", "index": 0}


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    for name in ("TF_CONFIG", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"):
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
    with pytest.raises(SettingError, match="TF_CONFIG: received"):
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


def test_xla_adds_up_on_the_gpus_of_one_machine_only(strategies, monkeypatch):
    assert not distribution.xla_reduces(strategies[2])  # logical devices of a CPU
    monkeypatch.setattr(distribution, "_gpus", lambda: ["GPU:0", "GPU:1"])
    monkeypatch.setattr(distribution.os, "sched_getaffinity", lambda _: range(3))
    assert distribution.xla_reduces(strategies[2])
    assert not distribution.xla_reduces(strategies[1])
    # Four replicas would wait for each other on three threads for good.
    assert not distribution.xla_reduces(strategies[4])
