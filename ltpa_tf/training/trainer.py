"""What a config trains with, built once: model, optimizer, state, compiled steps."""

import keras
import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import config as configuration
from ltpa_tf import data, distribution
from ltpa_tf.data.augmentation import check_sides
from ltpa_tf.data.class_weights import class_weights
from ltpa_tf.data.feed import ResidentFeed, check_placement, make_feed
from ltpa_tf.errors import SettingError
from ltpa_tf.optimizers import make_optimizer, make_schedule
from ltpa_tf.optimizers.stages import first_steps, learning_rates
from ltpa_tf.training.model import Build, build_model, made
from ltpa_tf.training.network import select_kernels, synchronize
from ltpa_tf.training.pretrained import make_teacher
from ltpa_tf.training.program import Program
from ltpa_tf.training.state import StateVariables
from ltpa_tf.training.step import make_step
from ltpa_tf.training.validation import NormEstimate, Validation


class Trainer:
    """What one config trains with; everything is built, and compiled, once.

    Args:
        config: The whole config, checked.
        strategy: The strategy.
        source: The data set.
        build: Makes the model, under the config's dtype policy, from config and source.

    Attributes:
        source: The data set.
        model: The model; its variables are not read, `state` holds the values.
        schedule: The learning rate, a number or a function of the step.
        optimizer: As `make_optimizer` makes it.
        state: Everything that steps change.
        feed: Where training examples come from.
        program: Takes steps: `program.train(feed.iterator(step), step, count)`.
        steps_per_epoch: Steps in which each training example is seen once.
        total_steps: Steps of all epochs.
        batch_size: Examples of a step, over all replicas.
        jit: Whether XLA compiles.

    Raises:
        SettingError: If the settings don't fit the data or the devices.

    Example:
        >>> from ltpa_tf.configs import quickstart
        >>> config = quickstart.get_config()
        >>> source = data.load("digits", train_examples=128)
        >>> trainer = training.Trainer(config, tf.distribute.get_strategy(), source)
        >>> trainer.model.levels
        (4, 7)
    """

    def __init__(
        self,
        config: ConfigDict,
        strategy: tf.distribute.Strategy,
        source: data.Source,
        build: Build | None = None,
    ):
        replicas = strategy.num_replicas_in_sync
        configuration.check_batch(config, replicas)
        configuration.check_early_stopping(config, source)
        check_sides(config.augment, source.image_shape)
        check_placement(config.data.placement, source, strategy)
        self._config, self._build = config, build or build_model
        self.strategy, self.source = strategy, source
        self.batch_size = config.train.batch_size
        self.steps_per_epoch = data.steps_per_epoch(source.train, self.batch_size)
        self.total_steps = config.train.epochs * self.steps_per_epoch
        self.jit = use_jit(config, replicas)

        self.model = made(self._build, config, source)
        epoch, tuned = self.steps_per_epoch, config.optimizer
        rates = learning_rates(
            self.model, tuned.backbone_lr_multiplier, tuned.stage_lr_multiplier
        )
        starts = first_steps(
            self.model,
            config.train.frozen_epochs * epoch,
            config.train.unfreeze_epochs * epoch,
        )
        # For models that say nothing of their own.
        configuration.check_small_size(config, min(source.image_shape[:2]))
        if config.train.sync_batch_norm:
            synchronize(self.model)
        select_kernels(self.model, self.jit)
        self.schedule = make_schedule(config, self.steps_per_epoch)
        self.optimizer = make_optimizer(config, self.model, self.schedule)
        self.optimizer.rates = rates

        self.state = StateVariables(
            self.model,
            self.optimizer,
            strategy,
            ema=config.train.ema > 0,
            loss_scaling=config.runtime.precision == "mixed_float16",
        )
        self.feed = make_feed(
            config.data.placement,
            source,
            strategy,
            batch_size=self.batch_size,
            seed=config.seed,
            augmentation=data.Augmentation(**config.augment),
        )
        sum_inside = self.jit and distribution.xla_reduces(strategy)
        small = config.train.small_share if config.train.small_size else 0
        self.program = Program(
            strategy,
            make_step(
                config,
                self.model,
                self.optimizer,
                class_weights(config.train.class_weights, source),
                starts,
            ),
            self.state,
            self.feed,
            jit=self.jit,
            sum_inside=sum_inside,
            # On a CPU, XLA's convolutions in a loop are slow.
            loop_inside=self.jit
            and (replicas == 1 or sum_inside)
            and isinstance(self.feed, ResidentFeed)
            and distribution.has_accelerator(),
            small_steps=round(small * self.total_steps),
            teacher=make_teacher(config, source, strategy, jit=self.jit),
            seed=config.seed,
        )
        self._validation = source.validation and Validation(
            strategy,
            self.model,
            self.state,
            source.validation,
            self.batch_size // replicas,
            jit=self.jit,
        )
        self._estimate = config.train.ema and NormEstimate(
            strategy,
            self.model,
            self.state,
            self.feed,
            seed=config.seed,
            batch_size=self.batch_size,
            steps_per_epoch=self.steps_per_epoch,
            jit=self.jit,
        )

    def settle(self) -> None:
        """Makes the weights and statistics that are evaluated and saved.

        Batch norm's statistics are averaged over replicas, and estimated anew for the
        moving average of the weights.
        """
        self.state.average_local()
        if self._estimate:
            self._estimate()

    def validate(self) -> dict[str, float]:
        """`val_loss` and `val_accuracy` of what `settle` made; {} without such data."""
        found = self._validation.evaluate() if self._validation else {}
        return {f"val_{name}": value for name, value in found.items()}

    def learning_rate(self, step: int) -> float:
        """The rate of a step, or the one that was chosen where no schedule rules."""
        if isinstance(self.schedule, float):
            return self.state.learning_rate
        return float(self.schedule(step))

    def initial_arrays(self, seed: int) -> dict[str, np.ndarray]:
        """The state before the first step from this seed's initial weights.

        To be made for all seeds before the first of them starts: setting a seed makes
        TensorFlow forget the functions that it has made ready to run.
        """
        keras.utils.set_random_seed(seed)
        model = made(self._build, self._config, self.source)
        return self.state.initial_arrays(model, self.optimizer)

    def start(self, arrays: dict[str, np.ndarray], seed: int) -> None:
        """Begins another training without compiling again; needs resident images.

        Args:
            arrays: What `initial_arrays` gave.
            seed: Of order, augmentation, dropout and choices.
        """
        self.state.from_arrays(arrays)
        self.feed.seed.assign(seed)
        self.program.seed.assign(seed)


def use_jit(config: ConfigDict, replicas: int = 1) -> bool:
    """Whether XLA compiles the step.

    Raises:
        SettingError: If it must and can't.
    """
    synchronized = config.train.sync_batch_norm and replicas > 1
    if config.runtime.jit == "on" and synchronized:
        raise SettingError(
            "runtime.jit",
            "on",
            "auto or off while train.sync_batch_norm is on: XLA can't compile a "
            "replica's step that has communication inside",
        )
    if config.runtime.jit == "auto":
        return distribution.has_accelerator() and not synchronized
    return config.runtime.jit == "on"
