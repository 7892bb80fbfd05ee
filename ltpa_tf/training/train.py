"""Training: from a config to a finished run folder."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import config as configuration
from ltpa_tf import (
    data,
    distribution,
    files,
    lock,
    model_file,
    remote,
    run,
    run_inputs,
    tracking,
)
from ltpa_tf.backend import need_tensorflow
from ltpa_tf.checkpoints import disk_errors_as_sentences
from ltpa_tf.errors import SettingError
from ltpa_tf.metrics_file import MetricsFile
from ltpa_tf.models.precision import dtype_policy
from ltpa_tf.stop_signals import StopSignals
from ltpa_tf.tracking.tensorboard import TensorBoard
from ltpa_tf.tracking.tracker import Tracker
from ltpa_tf.training.attention_maps import AttentionMaps
from ltpa_tf.training.model import Build, build_model, saved_model
from ltpa_tf.training.network import set_weights
from ltpa_tf.training.pretrained import started
from ltpa_tf.training.program import StepRunner
from ltpa_tf.training.records import (
    BestModel,
    EarlyStopping,
    ProgressBar,
    header,
    summarize,
)
from ltpa_tf.training.saving import CheckpointManager
from ltpa_tf.training.trainer import Trainer
from ltpa_tf.training.user_callbacks import (
    ModelShowsTraining,
    TrainingTakesModel,
    check_callbacks,
    check_monitors,
)
from ltpa_tf.words import count

# What may differ when a run is continued: where and how, not what, is computed.
_FREE = ("checkpoint.", "log.", "runtime.strategy", "runtime.jit", "data.dir")
_FREE += ("runtime.steps_per_call", "data.download", "data.placement")
_FREE += ("data.skip_damaged",)


def train(
    config: ConfigDict,
    workdir: str | os.PathLike,
    *,
    callbacks: keras.callbacks.Callback | Sequence[keras.callbacks.Callback] = (),
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
        workdir: The run folder; made if needed. One in a store, such as
            "s3://bucket/runs/mine", is worked on in a folder of this machine, and what
            is saved there is uploaded in the background.
        callbacks: Keras callbacks. They see the model with the weights that would be
            saved, at the end of every epoch, and with those that are trained
            otherwise; learning rate and weights that they set are trained on. Those
            with batch methods are called once per call of several steps, and those for
            tests before and after validation, not for its batches. What they
            remember is not part of checkpoints. Each worker has its own; if one of
            them stops training, all workers stop at the end of the epoch.
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

    Example:
        >>> from ltpa_tf.configs import quickstart
        >>> config = quickstart.get_config()
        >>> config.model.width, config.train.epochs = 0.125, 1
        >>> config.data.train_examples = 128
        >>> summary = training.train(config, "runs/new")
        >>> summary["steps"]
        2
    """
    need_tensorflow()
    configuration.validate(config)
    config = configuration.with_absolute_paths(config)
    callbacks = keras.tree.flatten(callbacks)  # one alone is taken, as by `fit`
    check_callbacks(callbacks, config)
    with remote.opened(workdir, "--workdir") as place:
        return _in_folder(place, config, callbacks, source, build, hparams)


def _in_folder(
    place: remote.Place,
    config: ConfigDict,
    callbacks: Sequence[keras.callbacks.Callback],
    source: data.Source | None,
    build: Build,
    hparams: bool,
) -> dict:
    """Checks that the run can be trained here, and trains it."""
    folder = run.RunFolder(place.path)
    finished = _open(folder, config)
    if finished is not None:
        if source is None:
            _take_data_dir(folder, config)
            place.upload()
        print(f"{place.name} is complete: {count(finished['epochs'], 'epoch')}.")
        return finished
    if config.runtime.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = distribution.make_strategy(config.runtime.strategy)
    chief = distribution.is_chief(strategy)
    with (
        _chiefs_folder(folder, place) if chief else contextlib.nullcontext(),
        StopSignals() as signals,
        dtype_policy(config.runtime.precision),
        distribution.lost_workers_as_errors(strategy),
        (
            tracking.started(config, folder, place.name)
            if chief
            else contextlib.nullcontext(())
        ) as trackers,
    ):
        keras.utils.set_random_seed(config.seed)
        source = source or run_inputs.load_data(config)
        if folder.dataset_file.exists():
            folder.check_data(source)
        check_monitors(callbacks, validated=bool(source.validation))
        source, first = _start(config, folder, source, build)
        trainer = Trainer(config, strategy, source, first)
        with disk_errors_as_sentences(folder):
            if chief:
                files.write_text(folder.config_file, configuration.to_json(config))
                folder.write_dataset(source)
            model = saved_model(config, source, build)
            return _run(
                config,
                folder,
                trainer,
                model,
                callbacks,
                signals,
                hparams=hparams,
                trackers=trackers,
                saved=place.saved,
            )


def _run(
    config: ConfigDict,
    folder: run.RunFolder,
    trainer: Trainer,
    model: keras.Model,
    users: Sequence[keras.callbacks.Callback],
    signals: StopSignals,
    *,
    hparams: bool,
    trackers: Sequence[Tracker],
    saved: Callable[[], None],
) -> dict:
    """Restores, trains epoch by epoch, and writes the final files."""
    chief = distribution.is_chief(trainer.strategy)
    steps_per_epoch = trainer.steps_per_epoch
    progress = ProgressBar(
        config.train.epochs,
        steps_per_epoch,
        trainer.batch_size,
        every_seconds=config.log.every_seconds,
        quiet=not chief,
    )
    board = TensorBoard(folder.events, config, enabled=chief, hparams=hparams)
    checkpoints = CheckpointManager(
        trainer, folder, config.checkpoint, model, progress.say, saved
    )
    with progress, contextlib.closing(board), contextlib.closing(checkpoints):
        cpu = not distribution.has_accelerator()
        for line in header(config, trainer.source, trainer.model, timed=cpu):
            progress.say(line)

        position = checkpoints.restore()
        metrics = MetricsFile(folder.metrics_file)
        if chief:
            metrics.resume(position.step, steps_per_epoch, progress.say)

        maps = AttentionMaps(
            trainer.model,
            trainer.source,
            config.log.images,
            trainer.state,
            board.writer,
            [tracker.show for tracker in trackers],
        )
        shows = ModelShowsTraining(trainer, position)
        takes = TrainingTakesModel(trainer, shows, users)
        callbacks = keras.callbacks.CallbackList(
            [
                *([maps, metrics, progress, board, *trackers] if chief else []),
                BestModel(checkpoints),
                EarlyStopping(config.train.early_stopping, position, progress.say),
                *([shows, *users, takes] if users else []),
            ],
            model=trainer.model,
            epochs=config.train.epochs,
            steps=steps_per_epoch,
            verbose=0,
        )
        runner = StepRunner(
            trainer.program,
            trainer.feed,
            trainer.state,
            trainer.batch_size,
            config.runtime.steps_per_call,
            wait=bool(users),
            compiling=lambda: (
                progress.waiting("Compiling the step with XLA")
                if trainer.jit
                else contextlib.nullcontext()
            ),
            not_finite=lambda step: checkpoints.not_finite(
                "Loss or gradient", step, "no weight was changed"
            ),
        )

        trainer.model.stop_training = False
        callbacks.on_train_begin()
        if checkpoints.finished:  # it was killed after the last checkpoint
            trainer.settle()
        while not checkpoints.finished:
            epoch = position.step // steps_per_epoch
            end = (epoch + 1) * steps_per_epoch
            callbacks.on_epoch_begin(epoch)
            runner.begin_epoch()
            while position.step < end:
                callbacks.on_train_batch_begin(position.step % steps_per_epoch)
                position.step += runner.run(
                    position.step,
                    end,
                    checkpoints.steps_to_save(),
                    board.steps_to_border(position.step),
                )
                batch = (position.step - 1) % steps_per_epoch
                callbacks.on_train_batch_end(batch, runner.logs)
                if position.step < end:
                    checkpoints.save_if_due(signals.received, ready=runner.wait)
            logs = {"step": position.step, **runner.wait()}
            if "loss" not in logs:
                progress.say(
                    "Every step of this epoch was skipped: gradients were too large "
                    "for float16. The loss scale is half as large after each."
                )
            logs["weight_norm"] = checkpoints.weight_norm()
            logs["update_norm"] = runner.update_norm()
            logs["learning_rate"] = trainer.learning_rate(position.step - 1)
            callbacks.on_epoch_end(epoch, logs | _validated(trainer, callbacks))
            stop = bool(trainer.model.stop_training)
            position.stopped |= checkpoints.any_worker(stop)
            trainer.state.reset_sums()
            checkpoints.save_if_due(signals.received, at_epoch_end=True)
        callbacks.on_train_end()

        if takes.took_weights:
            checkpoints.save()
        checkpoints.wait()
        summary = summarize(trainer, position, metrics.line(position.step))
        if takes.took_weights:
            summary["metrics"] |= trainer.validate()
        set_weights(model, *trainer.state.evaluation_arrays())
        summary["weights_sha256"] = model_file.weights_sha256(model)
        # The summary last of all: with it the run is complete.
        if chief:
            model_file.save_model(model, folder.model_file)
            files.write_json(folder.summary_file, summary)
        return summary


def _validated(trainer: Trainer, callbacks: keras.callbacks.CallbackList) -> dict:
    """What validation images tell; callbacks are told before and after."""
    if not trainer.source.validation:
        trainer.settle()
        return {}
    callbacks.on_test_begin()
    trainer.settle()
    found = trainer.validate()
    callbacks.on_test_end({k.removeprefix("val_"): v for k, v in found.items()})
    return found


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


def _start(
    config: ConfigDict, folder: run.RunFolder, source: data.Source, build: Build
) -> tuple[data.Source, Build]:
    """The data as the run's model normalizes it, and what makes its first weights."""
    if not any(folder.checkpoints.glob("*.json")):
        return started(config, source, build)
    # Begun: `init_from` may be gone, and early versions wrote no dataset.json.
    if folder.dataset_file.exists():
        source = folder.normalized(source)
    return source, build


def _take_data_dir(folder: run.RunFolder, config: ConfigDict) -> None:
    """Remembers where the data of a complete run is now, if it has moved."""
    stored = folder.read_config()
    if config.data.dir in ("", stored.data.dir):
        return
    stored.data.dir = config.data.dir
    folder.check_data(run_inputs.load_data(stored))
    files.write_text(folder.config_file, configuration.to_json(stored))
    print(f"Its data is found in {config.data.dir} from now on.")


@contextlib.contextmanager
def _chiefs_folder(folder: run.RunFolder, place: remote.Place) -> Iterator[None]:
    """The folder, there and writable, for this process alone."""
    alone = "a folder that no other process is training in; this one is in use"
    with files.no_empty_folder(folder.path):
        folder.create()
        with lock.only_one(folder.path, "train", alone), place.claimed():
            yield
