"""The training manifests, as far as they can be tried without their clusters."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import forked
import pytest
import yaml
from json_schema import changed, faults

from ltpa_tf.errors import (
    CheckpointError,
    Interrupted,
    NonFiniteError,
    WorkerLostError,
)
from ltpa_tf.programs import program

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "training"
SCHEMAS = json.loads(Path(__file__).with_name("trainjob_schemas.json").read_text())
TINY = (
    "--config=configs/quickstart.py",
    "--config.model.width=0.0625",
    "--config.data.train_examples=128",
    "--config.train.batch_size=32",
    "--config.train.epochs=1",
    "--config.log.tensorboard=False",
)


@pytest.fixture
def environment(tmp_path):
    """An environment whose `python` is this one, with room for stand-ins."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    path = f"{bin_folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return bin_folder, os.environ | {"PATH": path}


def stand_in(folder, name, script):
    file = folder / name
    file.write_text("#!/bin/bash\n" + script)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_tfjob_is_one_that_the_operator_takes():
    job = yaml.safe_load((DEPLOY / "tfjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v1", "TFJob")
    worker = job["spec"]["tfReplicaSpecs"]["Worker"]
    assert worker["replicas"] == 2
    pod = worker["template"]["spec"]
    (container,) = pod["containers"]
    assert container["name"] == "tensorflow"
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_tfjob_restarts_what_can_be_continued():
    job = yaml.safe_load((DEPLOY / "tfjob.yaml").read_text())
    assert job["spec"]["tfReplicaSpecs"]["Worker"]["restartPolicy"] == "ExitCode"
    # The operator starts again what exits with 128 or more.
    assert WorkerLostError.exit_code >= 128
    assert Interrupted("", 128 + 15).exit_code == 143


def test_tfjobs_flags_are_the_programs(tmp_path):
    job = yaml.safe_load((DEPLOY / "tfjob.yaml").read_text())
    pod = job["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]
    (container,) = pod["containers"]
    (tmp_path / "file").write_text("")
    # Ends at the folder that can't be written: all other flags were understood.
    workdir = f"--workdir={tmp_path / 'file' / 'run'}"
    done = forked.run("pipelines.train", *container["args"], workdir)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --workdir")


def trainjob():
    text = (DEPLOY / "trainjob.yaml").read_text()
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


@pytest.mark.parametrize("kind", ["TrainJob", "TrainingRuntime"])
def test_trainjob_is_one_that_kubeflow_trainer_takes(kind):
    assert list(faults(trainjob()[kind], SCHEMAS[kind], kind)) == []


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("TrainJob", ["spec", "trainer", "numnodes"], 2),
        ("TrainJob", ["spec", "trainer", "args"], "--workdir"),
        ("TrainJob", ["spec", "runtimeRef", "name"], None),
        ("TrainingRuntime", ["spec", "mlPolicy", "tensorflow"], {}),
        ("TrainingRuntime", ["spec", "template", "spec", "backoffLimit"], 0),
    ],
)
def test_a_mistake_in_it_is_found(kind, path, value):
    document = changed(trainjob()[kind], path, value)
    assert len(list(faults(document, SCHEMAS[kind], kind))) == 1


def pod_of_runtime():
    (jobs,) = trainjob()["TrainingRuntime"]["spec"]["template"]["spec"][
        "replicatedJobs"
    ]
    return jobs["template"]["spec"]


def test_trainjobs_runtime_gives_each_worker_its_tf_config(environment, tmp_path):
    folder, variables = environment
    stand_in(folder, "python", f'echo "$TF_CONFIG" "$@" >> {tmp_path}/told\n')
    pod = pod_of_runtime()["template"]["spec"]
    (container,) = pod["containers"]
    job = trainjob()["TrainJob"]
    name, arguments = job["metadata"]["name"], job["spec"]["trainer"]["args"]
    told = []
    for index in range(3):
        # As Trainer's plugin for JAX sets them.
        given = {
            "JAX_NUM_PROCESSES": "3",
            "JAX_PROCESS_ID": str(index),
            "JAX_COORDINATOR_ADDRESS": f"{name}-node-0-0.{name}:29500",
        }
        command = [*container["command"], *arguments]
        subprocess.run(command, env=variables | given, check=True)
        text = (tmp_path / "told").read_text().splitlines()[-1]
        config, end = json.JSONDecoder().raw_decode(text)
        assert text[end:].split() == ["-m", "pipelines.train", *arguments]
        told.append(config)
    hosts = [f"{name}-node-0-{i}.{name}:29500" for i in range(3)]
    assert told == [
        {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
        for index in range(3)
    ]


def test_trainjob_ends_at_what_must_be_put_right_first():
    job = pod_of_runtime()
    (rule,) = job["podFailurePolicy"]["rules"]
    final = rule["onExitCodes"]["values"]
    errors = (NonFiniteError, CheckpointError)
    assert {program.EXIT_SETTING, *(one.exit_code for one in errors)} <= set(final)
    assert not {code for code in final if code >= 128}
    assert job["template"]["spec"]["restartPolicy"] == "Never"  # as such rules need


@pytest.mark.parametrize(("code", "requeued"), [(0, False), (2, False), (143, True)])
def test_slurm_script_requeues_what_can_be_continued(
    environment, tmp_path, code, requeued
):
    folder, variables = environment
    stand_in(folder, "srun", f'echo "$@" > {tmp_path}/asked\nexit {code}\n')
    stand_in(folder, "scontrol", f'echo "$@" > {tmp_path}/requeued\n')
    done = subprocess.run(
        [DEPLOY / "slurm.sh", "--workdir=/a b"],
        env=variables | {"SLURM_JOB_ID": "77"},
    )
    assert done.returncode == code
    assert (
        "python -m pipelines.train --workdir=/a b" in (tmp_path / "asked").read_text()
    )
    assert (tmp_path / "requeued").exists() == requeued
    if requeued:
        assert (tmp_path / "requeued").read_text() == "requeue 77\n"


@pytest.mark.slow
def test_slurm_script_trains_on_two_tasks(environment, tmp_path):
    folder, variables = environment
    # What srun does with two tasks on one machine.
    stand_in(
        folder,
        "srun",
        """while [[ $1 == --* ]]; do shift; done
        export SLURM_STEP_NUM_TASKS=2 SLURM_STEP_TASKS_PER_NODE=2
        export SLURM_STEP_NODELIST=localhost
        SLURM_PROCID=1 "$@" & SLURM_PROCID=0 "$@" && wait $!
        """,
    )
    workdir = tmp_path / "run"
    done = subprocess.run(
        [DEPLOY / "slurm.sh", *TINY, f"--workdir={workdir}"],
        env=variables | {"SLURM_JOB_ID": str(os.getpid()), "CUDA_VISIBLE_DEVICES": ""},
        cwd=ROOT,
    )
    assert done.returncode == 0
    assert json.loads((workdir / "summary.json").read_text())["replicas"] == 2


@pytest.mark.slow
def test_the_example_of_two_processes_runs_as_it_stands(environment, tmp_path):
    text = (ROOT / "docs" / "distributed.md").read_text()
    (example,) = (
        block
        for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
        if "for index in 0 1" in block
    )
    for name in ("configs", "pipelines", "ltpa_tf"):
        (tmp_path / name).symlink_to(ROOT / name)
    subprocess.run(
        ["bash", "-c", example], check=True, env=environment[1], cwd=tmp_path
    )
    folder = tmp_path / "runs" / "two-workers"
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["replicas"], summary["epochs"]) == (2, 2)
