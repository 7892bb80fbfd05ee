"""Which processes train together, and which of them this one is: TF_CONFIG or SLURM.

Checked here because TensorFlow's answer to a mistake in either is a traceback, and
because its `SlurmClusterResolver` sorts the hosts as text: of `node[9-10]` it takes
node10 for the first, and no task has the address that the others know it by.
"""

import itertools
import json
import os
import re

from ltpa_tf.errors import SettingError
from ltpa_tf.words import one_of

_EXAMPLE = (
    '{"cluster": {"worker": ["host:port", ...]}, '
    '"task": {"type": "worker", "index": 0}}'
)
_JOBS = ("chief", "worker")


def from_environment() -> dict | None:
    """The `cluster` and `task` of TF_CONFIG, or of the SLURM job step (srun).

    Returns:
        `{"cluster": {job: ["host:port", ...]}, "task": {"type": job, "index": i}}`, or
        None where neither is.

    Raises:
        SettingError: Naming the part that can't be used.
    """
    if "TF_CONFIG" in os.environ:
        return _from_tf_config()
    if "SLURM_STEP_NUM_TASKS" in os.environ and "SLURM_PROCID" in os.environ:
        return _from_slurm()
    return None


def size(cluster: dict[str, list[str]]) -> int:
    """The number of processes that train."""
    return sum(len(cluster.get(job, ())) for job in _JOBS)


def _from_tf_config() -> dict:
    text = os.environ["TF_CONFIG"]
    try:
        value = json.loads(text)
        cluster, task = value["cluster"], value["task"]
    except (ValueError, TypeError, KeyError):
        raise SettingError("TF_CONFIG", text, f"JSON: {_EXAMPLE}") from None
    _check_cluster(cluster)
    _check_task(task, cluster)
    return {"cluster": cluster, "task": task}


def _check_cluster(cluster: object) -> None:
    if not isinstance(cluster, dict) or not cluster or set(cluster) - {*_JOBS}:
        raise SettingError(
            "TF_CONFIG.cluster", cluster, f"{', '.join(_JOBS)}, as in {_EXAMPLE}"
        )
    for job, addresses in cluster.items():
        most = 1 if job == "chief" else None
        if not (
            isinstance(addresses, list)
            and addresses
            and addresses == addresses[:most]
            and all(_is_address(address) for address in addresses)
        ):
            raise SettingError(
                f"TF_CONFIG.cluster.{job}",
                addresses,
                f'a list of {"one" if most else "one or more"} "host:port"',
            )


def _check_task(task: object, cluster: dict[str, list[str]]) -> None:
    if not isinstance(task, dict):
        raise SettingError("TF_CONFIG.task", task, f"an object as in {_EXAMPLE}")
    job, index = task.get("type"), task.get("index")
    if job not in list(cluster):
        raise SettingError("TF_CONFIG.task.type", job, one_of(cluster))
    if type(index) is not int or not 0 <= index < len(cluster[job]):
        raise SettingError(
            "TF_CONFIG.task.index",
            index,
            f"0 to {len(cluster[job]) - 1}: the task's place in cluster.{job}",
        )


def _is_address(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[^\s/]+:\d+", value))


def _from_slurm() -> dict:
    """SLURM's tasks as workers, on its nodes in its own order.

    Tasks fill one node after the other, srun's `--distribution=block`.
    """
    job, rank = _number("SLURM_JOB_ID", "0"), _number("SLURM_PROCID")
    hosts = _hosts("SLURM_STEP_NODELIST")
    counts = _tasks_per_node("SLURM_STEP_TASKS_PER_NODE")
    if len(hosts) != len(counts):
        raise SettingError(
            "SLURM_STEP_TASKS_PER_NODE", counts, f"a number for each of {hosts}"
        )
    # Jobs that share a machine must not share ports.
    port = 10000 + 16 * (job % 1500)
    workers = [
        (node, f"{host}:{port + i}")
        for node, (host, count) in enumerate(zip(hosts, counts, strict=True))
        for i in range(count)
    ]
    if not 0 <= rank < len(workers):
        raise SettingError("SLURM_PROCID", rank, f"0 to {len(workers) - 1}")
    if _number("SLURM_NODEID", str(workers[rank][0])) != workers[rank][0]:
        raise SettingError(
            "SLURM_NODEID",
            os.environ["SLURM_NODEID"],
            f"{workers[rank][0]} for task {rank}: srun --distribution=block, so that "
            "tasks fill one node after the other",
        )
    return {
        "cluster": {"worker": [address for _, address in workers]},
        "task": {"type": "worker", "index": rank},
    }


def _number(name: str, default: str = "") -> int:
    text = os.environ.get(name, default)
    if not text.isdecimal():
        raise SettingError(name, text, "a number, as SLURM sets it")
    return int(text)


def _hosts(name: str) -> list[str]:
    """The hosts of a list such as `gpu3,node[098-101,7]`, in its order."""
    text, hosts = os.environ.get(name, ""), []
    parts = re.findall(r"(?:\[[^][]*\]|[^][,])+", text)
    for part in parts:
        # Every second piece was in brackets.
        pieces = [
            _numbers(name, text, piece) if i % 2 else [piece]
            for i, piece in enumerate(re.split(r"\[(.*?)\]", part))
        ]
        hosts += map("".join, itertools.product(*pieces))
    if not hosts or ",".join(parts) != text:
        raise SettingError(name, text, "SLURM's list of hosts, such as node[9-10]")
    return hosts


def _numbers(name: str, text: str, ranges: str) -> list[str]:
    """`098-101,7` one by one; as in SLURM, the first one's zeros are kept."""
    numbers = []
    for item in ranges.split(","):
        bounds = re.fullmatch(r"(\d+)(?:-(\d+))?", item)
        if not bounds:
            raise SettingError(name, text, "SLURM's list of hosts, such as node[9-10]")
        first, last = bounds[1], bounds[2] or bounds[1]
        numbers += [str(i).zfill(len(first)) for i in range(int(first), int(last) + 1)]
    return numbers


def _tasks_per_node(name: str) -> list[int]:
    """The counts of a list such as `2(x2),1`."""
    text, counts = os.environ.get(name, ""), []
    for item in text.split(","):
        count = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", item)
        if not count:
            raise SettingError(name, text, "SLURM's counts of tasks, such as 2(x2),1")
        counts += [int(count[1])] * int(count[2] or 1)
    return counts
