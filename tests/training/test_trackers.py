"""MLflow, by its own server on this machine and without, and W&B offline."""

import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import urllib.request

import keras
import numpy as np
import pytest
import tiny
from ports import free_port

from ltpa_tf import data, models, serving, tracking, training
from ltpa_tf.errors import EnoughError, SettingError
from ltpa_tf.run import RunFolder
from ltpa_tf.tuning.callbacks import StopAfter

# What the trackers' own libraries warn of.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]


class Fails(keras.callbacks.Callback):
    """Ends the training in its second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise RuntimeError("the machine is gone")


def make_source():
    random = np.random.default_rng(0)

    def split(size):
        images = random.integers(0, 256, (size, 32, 32, 3), np.uint8)
        return data.array_split(images, np.arange(size) % 3)

    return data.Source(
        name="noise",
        class_names=("a", "b", "c"),
        image_shape=(32, 32, 3),
        train=split(32),
        validation=split(8),
        test=split(8),
        mean=(0.5,) * 3,
        std=(0.3,) * 3,
        fingerprint="noise",
    )


def build(config, source):
    return models.build(
        num_classes=3, trunk="vgg_d", levels=(4, 7), width=0.0625, dropout=0.0
    )


@contextlib.contextmanager
def served(folder, store):
    """The address of `mlflow server`, which keeps artifacts, too."""
    for name in ("sqlalchemy", "alembic", "flask"):
        pytest.importorskip(name, reason=f"no {name}: pip install -e '.[trackers]'")
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-W", "ignore", "-m", "mlflow", "server"]
    command += ["--host", "127.0.0.1", "--port", url.rpartition(":")[2]]
    command += ["--workers", "1", "--backend-store-uri", store]
    # Without a runner of jobs, which needs more packages.
    alone = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--artifacts-destination", str(folder / "artifacts")],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **alone},
            start_new_session=True,
        )
    end = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{url}/health").close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < end, folder / "log"
            time.sleep(0.2)
    yield url
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(
    scope="module", params=["server, SQLite", "server, file store", "file store"]
)
def mlflow_uri(request, tmp_path_factory):
    """Where MLflow keeps runs: by its own server, or without one."""
    for name in ("mlflow", "pandas"):
        pytest.importorskip(name, reason=f"no {name}: pip install -e '.[trackers]'")
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        if request.param == "file store":
            yield str(folder / "store")
            return
        store = "sqlite:///store.db" if "SQLite" in request.param else "store"
        with served(folder, store) as url:
            yield url


@pytest.fixture(scope="module")
def tracked(tmp_path_factory, mlflow_uri):
    """A run of 2 epochs that failed after the first, went on, and was exported."""
    pytest.importorskip("wandb", reason="no wandb: pip install -e '.[trackers]'")
    folder = tmp_path_factory.mktemp("tracked")
    config = tiny.make_config()
    config.log.images = 2
    config.log.mlflow = mlflow_uri
    config.log.wandb = "attention"
    run = RunFolder(folder / "my run")
    settings = {"source": make_source(), "build": build}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("WANDB_MODE", "offline")
        with pytest.raises(RuntimeError, match="the machine is gone"):
            training.train(config, run.path, callbacks=[Fails()], **settings)
        before = run.tracking_file.read_text()
        training.train(config, run.path, **settings)
        assert run.tracking_file.read_text() == before  # the same runs
        version = serving.export(
            run.load_model(), folder / "noise", class_names=["a", "b", "c"]
        )
        tracking.log_export(run, version, "noise")
        known = json.loads(before)
        lines = map(json.loads, run.metrics_file.read_text().splitlines())
        yield run, {kind: one["id"] for kind, one in known.items()}, list(lines)


def logged(content):
    """The records of a file that W&B writes offline: LevelDB's log format."""
    block, at, record = 32768, 7, b""
    while at < len(content):
        if block - at % block < 7:
            at += block - at % block
            continue
        _, size, kind = struct.unpack_from("<IHB", content, at)
        record += content[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or its last part
            yield record
            record = b""


@pytest.mark.slow
def test_mlflow(tracked):
    import mlflow

    folder, ids, lines = tracked
    uri = folder.read_config().log.mlflow
    client = mlflow.MlflowClient(uri)
    (experiment,) = [e for e in client.search_experiments() if e.name == "ltpa_tf"]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_id == ids["mlflow"]
    assert (run.info.run_name, run.info.status) == ("my-run", "FINISHED")
    assert run.data.params["optimizer.learning_rate"] == "0.05"
    for name in ("loss", "val_accuracy", "entropy_level_4"):
        history = client.get_metric_history(run.info.run_id, name)
        assert [(one.step, one.value) for one in history] == [
            (line["step"], pytest.approx(line[name])) for line in lines
        ]
    images = [one.path for one in client.list_artifacts(run.info.run_id, "images")]
    for number in (0, 1):
        for line in lines:
            named = rf"images/attention_{number}.step.{line['step']}.timestamp"
            assert any(re.match(named, path) for path in images), images
    assert run.data.tags["mlflow.note.content"].startswith("# noise, version 1")

    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/export")
    pixels = make_source().test.array
    (image,) = model.metadata.get_input_schema()
    assert (image.name, image.type, image.shape) == ("images", "uint8", (-1, 32, 32, 3))
    answers = model.predict(pixels)
    direct = serving.Predictor.from_saved_model(folder.path.parent / "noise").predict(
        pixels
    )
    np.testing.assert_array_equal(
        answers["probabilities"], [one.probabilities for one in direct]
    )
    outputs = {one.name: one.shape for one in model.metadata.get_output_schema()}
    assert set(outputs) == set(answers)
    assert outputs["level_4"][1:] == answers["level_4"].shape[1:]


@pytest.mark.slow
def test_wandb(tracked):
    from wandb.proto.wandb_internal_pb2 import Record

    folder, ids, lines = tracked
    records = []
    for file in sorted((folder.path / "wandb").glob("offline-run-*/*.wandb")):
        assert file.stem == f"run-{ids['wandb']}"
        records += map(Record.FromString, logged(file.read_bytes()))
    runs = [one.run for one in records if one.WhichOneof("record_type") == "run"]
    assert {(run.project, run.run_id) for run in runs} == {("attention", ids["wandb"])}
    settings = {item.key: item.value_json for item in runs[0].config.update}
    assert settings["optimizer.learning_rate"] == "0.05"
    found = {}
    for record in records:
        if record.WhichOneof("record_type") == "history":
            items = {
                item.key or "/".join(item.nested_key): json.loads(item.value_json)
                for item in record.history.item
            }
            found.setdefault(record.history.step.num, {}).update(items)
    assert sorted(found) == [line["step"] for line in lines]
    for line in lines:
        at = found[line["step"]]
        assert at["val_accuracy"] == pytest.approx(line["val_accuracy"])
        assert at["attention/count"] == 2
    (artifact,) = [
        one.artifact for one in records if one.WhichOneof("record_type") == "artifact"
    ]
    assert (artifact.name, artifact.type) == ("noise", "model")
    assert artifact.description.startswith("# noise, version 1")
    assert {one.path for one in artifact.manifest.contents} >= {"saved_model.pb"}
    signature = json.loads(artifact.metadata)["signature"]
    assert signature["inputs"] == [["images", "uint8", [-1, 32, 32, 3]]]


@pytest.mark.parametrize("kind", ["mlflow", "wandb"])
def test_without_the_extra_it_is_a_sentence(config, tmp_path, monkeypatch, kind):
    monkeypatch.setitem(sys.modules, kind, None)
    monkeypatch.delitem(sys.modules, f"ltpa_tf.tracking.with_{kind}", raising=False)
    config.log[kind] = "somewhere"
    sentence = rf"log\.{kind}: .*pip install 'ltpa_tf\[{kind}\]'.*Received: 'somewhere'"
    with pytest.raises(SettingError, match=sentence):
        training.train(config, tmp_path / "run", source=tiny.make_source())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("address", ["http://127.0.0.1:{}", "nowhere://{}"])
def test_an_address_where_nobody_answers_is_told_before_training(
    config, tmp_path, address
):
    pytest.importorskip("mlflow", reason="no mlflow: pip install -e '.[trackers]'")
    config.log.mlflow = address.format(free_port())
    with pytest.raises(SettingError, match=r"log\.mlflow.*can be reached \(\S"):
        training.train(
            config, tmp_path / "run", source=tiny.make_source(), build=tiny.builder()
        )
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_fails_ends_no_training(config, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("mlflow", reason="no mlflow: pip install -e '.[trackers]'")
    pytest.importorskip("sqlalchemy", reason="no sqlalchemy: -e '.[trackers]'")
    from mlflow import MlflowClient

    def refuse(*arguments, **settings):
        raise OSError("no route to host\nat all")

    config.log.mlflow = f"sqlite:///{tmp_path}/mlflow.db"
    log = MlflowClient.log_batch
    monkeypatch.setattr(
        MlflowClient,
        "log_batch",
        lambda *a, **k: refuse() if "metrics" in k else log(*a, **k),
    )
    training.train(
        config, tmp_path / "run", source=tiny.make_source(), build=tiny.builder()
    )
    assert (tmp_path / "run" / "summary.json").exists()
    assert "MLflow takes nothing now: no route to host" in capfd.readouterr().err


def test_a_rung_of_hyperbands_is_finished(config, tmp_path, monkeypatch):
    """It ends as planned, and a promoted trial goes on with the same run."""
    pytest.importorskip("mlflow", reason="no mlflow: pip install -e '.[trackers]'")
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    config.log.mlflow = str(tmp_path / "store")
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(EnoughError):
        training.train(
            config,
            folder.path,
            callbacks=[StopAfter(1)],
            source=tiny.make_source(),
            build=tiny.builder(),
        )
    id = json.loads(folder.tracking_file.read_text())["mlflow"]["id"]
    status = MlflowClient(config.log.mlflow).get_run(id).info.status
    assert status == "FINISHED"
