"""`TF_CONFIG`: which processes train together, and which of them this one is.

Checked here because TensorFlow's answer to a mistake in it is a traceback.
"""

import json
import os
import re

from ltpa_tf.errors import SettingError

_EXAMPLE = (
    '{"cluster": {"worker": ["host:port", ...]}, '
    '"task": {"type": "worker", "index": 0}}'
)
_JOBS = ("chief", "worker")


def read() -> dict:
    """The `cluster` and `task` of the environment's `TF_CONFIG`.

    Raises:
        SettingError: Naming the part that can't be used.
    """
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
        raise SettingError("TF_CONFIG.task.type", job, ", ".join(cluster))
    if type(index) is not int or not 0 <= index < len(cluster[job]):
        raise SettingError(
            "TF_CONFIG.task.index",
            index,
            f"0 to {len(cluster[job]) - 1}: the task's place in cluster.{job}",
        )


def _is_address(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[^\s/]+:\d+", value))
