"""The project's models for a search of one's own."""

import functools
from collections.abc import Sequence

import keras
import keras_tuner
from ml_collections import ConfigDict

from ltpa_tf.errors import SettingError
from ltpa_tf.optimizers import class_and_arguments, decayed_variables, make_schedule
from ltpa_tf.training.model import configured_model, freeze, whiten
from ltpa_tf.training.trainer import use_jit
from ltpa_tf.tuning.ranges import Range
from ltpa_tf.tuning.space import Space

# What a compiled model and its `fit` can honour.
_GROUPS = ("model.", "optimizer.")
_KEYS = ("train.batch_size", "train.epochs", "train.label_smoothing", "train.clip_norm")
# What only the project's own trainer does, and its value where it is off.
_OF_THE_TRAINER = {
    "class_weights": "none",
    "accumulation_steps": 1,
    "gradient_averaging": False,
    "deep_supervision": False,
    "small_size": 0,
    "ema": 0.0,
    "init_from": "",
    "teacher": "",
    "early_stopping": 0,
}


class HyperModel(keras_tuner.HyperModel):
    """A compiled Keras model of a config, for any `keras_tuner.Tuner`.

        model = ltpa_tf.tuning.HyperModel(
            config, space, image_shape=(32, 32, 3), num_classes=10, steps_per_epoch=390
        )
        tuner = keras_tuner.RandomSearch(model, objective="val_accuracy", max_trials=20)
        tuner.search(images, labels, validation_data=(more_images, more_labels))

    Training is then Keras's `fit` on the caller's data, pixel values 0..255 and one-hot
    labels: no augmentation, and none of the trainer's resume. `ltpa_tf.tuning.search`
    has both.

    Args:
        config: The settings that aren't searched, see `configs/common.py`.
        space: What to search: `model.*`, `optimizer.*`, and of `train.*` batch size,
            epochs, label smoothing and clip norm.
        image_shape: `(height, width, channels)`.
        num_classes: Number of classes.
        mean: Per channel, 0..1; None if the caller's images are normalized already.
        std: Per channel, 0..1.
        steps_per_epoch: What the learning rate's schedule and warm-up count with; at
            `train.batch_size` of the config. Not needed for a constant rate.

    Raises:
        SettingError: If a range can't be searched, or a setting can't be honoured.

    Example:
        >>> import keras_tuner
        >>> from ltpa_tf.configs import quickstart
        >>> hypermodel = tuning.HyperModel(
        ...     quickstart.get_config(),
        ...     [tuning.choice("model.width", 0.125, 0.25)],
        ...     image_shape=(32, 32, 3),
        ...     num_classes=10,
        ...     steps_per_epoch=10,
        ... )
        >>> hypermodel.build(keras_tuner.HyperParameters()).output_shape
        (None, 10)
    """

    def __init__(
        self,
        config: ConfigDict,
        space: Sequence[Range],
        *,
        image_shape: Sequence[int],
        num_classes: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        steps_per_epoch: int | None = None,
    ):
        super().__init__(name="ltpa_tf")
        self.space = Space(space, config)
        for key in self.space.keys:
            if not key.startswith(_GROUPS) and key not in _KEYS:
                raise SettingError(
                    "search.space", key, f"model.*, optimizer.*, {', '.join(_KEYS)}"
                )
        for key, off in _OF_THE_TRAINER.items():
            if config.train[key] != off:
                raise SettingError(
                    f"train.{key}",
                    config.train[key],
                    f"{off!r}: Keras's fit doesn't do it, the search of "
                    "pipelines.tune does",
                )
        self._data = {
            "image_shape": tuple(image_shape),
            "num_classes": num_classes,
            "mean": mean,
            "std": std,
        }
        self._images_per_epoch = (steps_per_epoch or 0) * config.train.batch_size

    def config(self, hp: keras_tuner.HyperParameters) -> ConfigDict:
        """The config that `hp` stands for."""
        self.space.register(hp)
        return self.space.apply(self.space.settings(hp.values))

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """A compiled model; keras-tuner calls it."""
        config = self.config(hp)
        model = configured_model(config, **self._data)
        if any(getattr(layer, "chooses", False) for layer in model.layers):
            key = "name" if config.model.normalization is None else "normalization"
            raise SettingError(
                f"model.{key}",
                config.model[key],
                "one that learns by gradients alone: Keras's fit gives no rewards",
            )
        freeze(config, model)
        model.compile(
            optimizer=self._optimizer(config, model),
            loss=keras.losses.CategoricalCrossentropy(
                from_logits=True, label_smoothing=config.train.label_smoothing
            ),
            metrics=["accuracy"],
            jit_compile=use_jit(config),  # Keras would compile on a CPU, too
        )
        # keras-tuner loads the best weights into a new model: also the optimizer's.
        model.optimizer.build(model.trainable_variables)
        return model

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, *args, **kwargs):
        """Keras's `fit`, with batch size and epochs from the config unless given.

        A whitening is adapted to the images before, as `ltpa_tf.training.train` does.
        """
        config = self.config(hp)
        kwargs.setdefault("epochs", config.train.epochs)
        given = args[0] if args else kwargs["x"]
        if not hasattr(given, "element_spec"):  # a tf.data set is batched
            kwargs.setdefault("batch_size", config.train.batch_size)
        if not kwargs.get("initial_epoch"):  # Hyperband goes on with trained weights
            whiten(model, functools.partial(_some, given))
        return model.fit(*args, **kwargs)

    def _optimizer(
        self, config: ConfigDict, model: keras.Model
    ) -> keras.optimizers.Optimizer:
        settings = config.optimizer
        if settings.name.lower() == "sgd_muon":
            raise SettingError(
                "optimizer.name", settings.name, "the name of a Keras optimizer"
            )
        if settings.decay_mode != "decoupled" and settings.weight_decay:
            raise SettingError(
                "optimizer.decay_mode",
                settings.decay_mode,
                "decoupled: Keras's optimizers have no other",
            )
        for name in (
            "bias_lr_multiplier",
            "backbone_lr_multiplier",
            "stage_lr_multiplier",
        ):
            if settings[name] != 1:
                raise SettingError(
                    f"optimizer.{name}",
                    settings[name],
                    "1.0: Keras's optimizers have one rate for all",
                )
        if config.train.frozen_epochs > 0:
            raise SettingError(
                "train.frozen_epochs",
                config.train.frozen_epochs,
                "0 or -1: Keras's fit has one set of weights that it trains",
            )
        steps = self._images_per_epoch // config.train.batch_size
        plain = settings.schedule == "constant" and not settings.warmup_epochs
        if not steps and not plain:
            raise SettingError(
                "steps_per_epoch",
                None,
                "a number: the learning rate's schedule counts steps",
            )
        kind, arguments = class_and_arguments(config)
        optimizer = kind(
            make_schedule(config, steps),
            global_clipnorm=config.train.clip_norm or None,
            **arguments,
        )
        decayed = decayed_variables(config, model)
        spared = [
            v for v in model.trainable_variables if all(v is not d for d in decayed)
        ]
        if settings.weight_decay:
            optimizer.exclude_from_weight_decay(spared)
        return optimizer


def _some(given, count: int):
    """Images of what `fit` takes, at most so many."""
    if hasattr(given, "rebatch"):
        return next(iter(given.rebatch(count)))[0]
    if not hasattr(given, "shape"):
        raise SettingError(
            "x",
            type(given).__name__,
            "an array or a tf.data.Dataset, to adapt the whitening to",
        )
    return given[:: -(-len(given) // count)]
