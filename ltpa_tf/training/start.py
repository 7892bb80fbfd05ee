"""`train`: from a config to a finished run folder."""

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import config as configuration
from ltpa_tf import data, lock, run
from ltpa_tf.backend import need_tensorflow
from ltpa_tf.errors import SettingError
from ltpa_tf.training import distribution, records
from ltpa_tf.training.attention import AttentionWatch
from ltpa_tf.training.callbacks import Callbacks
from ltpa_tf.training.errors import CheckpointError
from ltpa_tf.training.header import header
from ltpa_tf.training.journal import Journal
from ltpa_tf.training.loop import Loop
from ltpa_tf.training.network import set_weights
from ltpa_tf.training.pace import Pace
from ltpa_tf.training.parts import Build, Parts, assemble, build_model
from ltpa_tf.training.progress import Screen
from ltpa_tf.training.saving import Position, Saver
from ltpa_tf.training.signals import StopSignals
from ltpa_tf.training.tensorboard import Board
from ltpa_tf.training.warm_start import take_weights
from ltpa_tf.words import count

# What may differ when a run is continued: where and how, not what, is computed.
_FREE = ("checkpoint.", "log.", "runtime.strategy", "runtime.jit", "data.dir")
_FREE += ("runtime.steps_per_call", "data.download", "data.placement")
_FREE += ("data.skip_damaged",)
_TIMES = ("seconds", "images_per_second")
DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


def train(
    config: ConfigDict,
    workdir: str | os.PathLike,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    source: data.Source | None = None,
    build: Build = build_model,
    hparams: bool = True,
) -> dict:
    """Trains a model, or continues where an earlier call was cut off.

    Everything goes into the run folder, see `ltpa_tf.run.RunFolder`. A run that was
    killed at any moment and continued ends with the same weights, optimizer state,
    metrics and best model as one that wasn't. On a complete run this says so and
    returns.

    Args:
        config: As `configs/common.py` has it.
        workdir: The run folder; made if needed.
        callbacks: Keras callbacks. They see the model with the weights that would be
            saved, at the end of every epoch; those with batch methods are called once
            per call of several steps. What they remember is not part of checkpoints.
            Each worker has its own; if one of them stops training, all workers stop at
            the end of the epoch.
        source: The data set, instead of the one that `config.data` names.
        build: Makes the model from config and source, instead of what `config.model`
            names: any functional Keras model that takes pixel values and gives logits.
        hparams: Whether TensorBoard's HParams page lists the run by itself; a search
            lists its trials.

    Returns:
        The summary, as in `summary.json`.

    Raises:
        SettingError: If a setting can't be used; before anything is trained.
        TrainingError: If training can't go on, or a signal stopped it.
    """
    need_tensorflow()
    configuration.validate(config)
    config = run.with_absolute_paths(config)
    folder = run.RunFolder(workdir)
    finished = _open(folder, config)
    if finished is not None:
        if source is None:
            _take_data_dir(folder, config)
        print(f"{folder.path} is complete: {count(finished['epochs'], 'epoch')}.")
        return finished
    if config.runtime.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = distribution.make_strategy(config.runtime.strategy)
    chief = distribution.is_chief(strategy)
    with (
        _chiefs_folder(folder) if chief else contextlib.nullcontext(),
        StopSignals() as signals,
        _policy(config.runtime.precision),
        distribution.lost_workers_as_errors(strategy),
    ):
        keras.utils.set_random_seed(config.seed)
        source = source or run.load_data(config)
        if folder.dataset_file.exists():
            folder.check_data(source)
        parts = assemble(config, strategy, source, _warm(build, config, folder))
        with _disk_errors_as_sentences(folder):
            if chief:
                run.write_text(folder.config_file, configuration.to_json(config))
                records.write_dataset(folder, source)
            write = _ModelFile(config, source, build)
            with _journal(folder, parts, chief, hparams) as journal:
                for line in header(
                    config,
                    source,
                    parts.model,
                    timed=not distribution.has_accelerator(),
                ):
                    journal.screen.say(line)
                metrics = records.Metrics(folder.metrics_file)
                saver = Saver(parts, folder, metrics, journal.screen.say, write)
                pace = Pace(config.runtime.steps_per_call, strategy)
                told = Callbacks(callbacks, parts)
                Loop(parts, saver, journal, told, signals, pace).run()
                return _finish(folder, parts, saver.position, write, metrics, chief)


def _open(folder: run.RunFolder, config: ConfigDict) -> dict | None:
    """Makes sure the folder is this config's; its summary if the run is complete."""
    if folder.exists(folder.search_file):
        raise SettingError(
            "--workdir", str(folder.path), "another folder: this one holds a search"
        )
    if not folder.exists(folder.config_file):
        return None
    stored = folder.read_config()
    for key, there, here in configuration.differences(stored, config):
        if not key.startswith(_FREE):
            raise SettingError(
                "--workdir",
                str(folder.path),
                f"another folder: this one holds a run with {key} = {there!r}, "
                f"and not {here!r}; --init_from={folder.path} starts one in another "
                "folder from its weights",
            )
    if folder.summary_file.exists():
        return folder.read_summary()
    return None


def _warm(build: Build, config: ConfigDict, folder: run.RunFolder) -> Build:
    """`build`, with the weights of `train.init_from` if the run starts anew."""
    if not config.train.init_from or any(folder.checkpoints.glob("*.json")):
        return build

    def warm(config: ConfigDict, source: data.Source) -> keras.Model:
        model = build(config, source)
        new = take_weights(model, config.train.init_from)
        print(f"Starting from the weights of {config.train.init_from}", end="")
        print(f"; new are those of {', '.join(new)}." if new else ".")
        return model

    return warm


def _take_data_dir(folder: run.RunFolder, config: ConfigDict) -> None:
    """Remembers where the data of a complete run is now, if it has moved."""
    stored = folder.read_config()
    if config.data.dir in ("", stored.data.dir):
        return
    stored.data.dir = config.data.dir
    folder.check_data(run.load_data(stored))
    run.write_text(folder.config_file, configuration.to_json(stored))
    print(f"Its data is found in {config.data.dir} from now on.")


@contextlib.contextmanager
def _chiefs_folder(folder: run.RunFolder) -> Iterator[None]:
    """The folder, there and writable, for this process alone."""
    alone = "a folder that no other process is training in; this one is in use"
    with run.no_empty_folder(folder.path):
        folder.create()
        with lock.only_one(folder.path, "train", alone):
            yield


@contextlib.contextmanager
def _policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def _disk_errors_as_sentences(folder: run.RunFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise CheckpointError(
            f"{folder.path} can't be written to any more: {error.strerror}. Put this "
            "right and start again with the same --workdir to continue from the newest "
            "checkpoint."
        ) from error


@contextlib.contextmanager
def _journal(
    folder: run.RunFolder, parts: Parts, chief: bool, hparams: bool
) -> Iterator[Journal]:
    config = parts.config
    screen = Screen(
        config.train.epochs,
        parts.steps_per_epoch,
        config.train.batch_size,
        every_seconds=config.log.every_seconds,
        quiet=not chief,
    )
    board = Board(folder.events, config, enabled=chief, hparams=hparams)
    watch = AttentionWatch(parts.model, parts.source, config.log.images)
    metrics = records.Metrics(folder.metrics_file)
    with screen, contextlib.closing(board):
        yield Journal(screen, board, metrics, watch, chief=chief)


class _ModelFile:
    """Writes `.keras` files, in float32, from weights; in any thread."""

    def __init__(self, config: ConfigDict, source: data.Source, build: Build):
        with _policy("float32"):
            self.model = build(config, source)

    def __call__(self, weights: list, local: list, file: Path) -> None:
        set_weights(self.model, weights, local)
        records.save_model(self.model, file)


def _finish(
    folder: run.RunFolder,
    parts: Parts,
    position: Position,
    write: _ModelFile,
    metrics: records.Metrics,
    chief: bool,
) -> dict:
    """The final model file, and last of all the summary: with it the run is complete.

    Every process computes the same summary; the chief writes it.
    """
    set_weights(write.model, *parts.state.evaluation_arrays())
    if chief:
        records.save_model(write.model, folder.model_file)
    last = metrics.line(position.step)
    summary = {
        "epochs": -(-position.step // parts.steps_per_epoch),
        "steps": position.step,
        "seconds": position.seconds,
        "images_per_second": last.get("images_per_second"),
        "metrics": {name: v for name, v in last.items() if name not in _TIMES},
        "best": {"epoch": position.best_epoch, "val_accuracy": position.best}
        if position.best_epoch
        else None,
        "parameters": parts.model.count_params(),
        "replicas": parts.strategy.num_replicas_in_sync,
        "device": distribution.device_name(),
        "versions": records.versions(),
        "weights_sha256": records.weights_sha256(write.model),
    }
    if chief:
        run.write_json(folder.summary_file, summary)
    return summary
