"""One training step as pure functions of tensors."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from ltpa_tf.data.hashing import Integer
from ltpa_tf.distribution import pack, unpack
from ltpa_tf.images.fit import shrink
from ltpa_tf.layers.choices import reinforce
from ltpa_tf.optimizers import decayed_variables
from ltpa_tf.training.network import Network, with_seeds, without_seeds
from ltpa_tf.training.state import State

# How many steps without an overflow double float16's loss scale, as in Keras.
_STEPS_TO_DOUBLE = 2000


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The numbers of a step.

    Attributes:
        batch_size: Examples per step over all replicas.
        label_smoothing: Probability mass spread evenly over all classes.
        class_weights: What an example of each class counts; () = all the same.
        samples: Choices drawn for each image, by layers that choose at random.
        reward: What a choice is rewarded by: "likelihood" or "correct".
        reward_weight: What the reward counts beside the loss.
        entropy_weight: What a nat of entropy that was chosen from counts.
        clip_norm: Largest norm of the whole gradient; 0 = no limit.
        accumulation_steps: Parts that a replica's examples are taken in, one by one;
            batch norm normalizes each by its own statistics.
        small_size: Pixels of the shorter side of small images; 0 = there are none.
        gradient_averaging: Whether gradients are averaged where several meet.
        deep_supervision: Whether each level's own prediction learns from the labels,
            instead of their average.
        gradient_checkpointing: Convolutions of a part whose features are computed again
            in the backward pass; 0 = off.
        ema: Decay of the weights' moving average; 0 = off.
        coupled_decay: Weight decay that is added to the gradient.
        loss_scaling: Whether float16 may overflow, so that such a step is skipped.
        first_steps: The step from which on each weight moves; () = all from 0 on. Until
            then the optimizer collects its gradients, so that it knows their size.
    """

    batch_size: int
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()
    samples: int = 1
    reward: str = "likelihood"
    reward_weight: float = 1.0
    entropy_weight: float = 0.0
    clip_norm: float = 0.0
    accumulation_steps: int = 1
    small_size: int = 0
    gradient_averaging: bool = False
    deep_supervision: bool = False
    gradient_checkpointing: int = 0
    ema: float = 0.0
    coupled_decay: float = 0.0
    loss_scaling: bool = False
    first_steps: tuple[int, ...] = ()


class Found(NamedTuple):
    """What a replica computes from its examples; replicas' are added up.

    Attributes:
        gradients: Of the mean loss over the global batch, times the loss scale; with
            what makes choices of more reward more probable.
        sums: float32 `[3]`: the sum of losses, the number of correct predictions and of
            examples. Several choices for an image are averaged.
        health: float32 scalar, finite as long as every value in the new `local` is.
    """

    gradients: list[tf.Tensor]
    sums: tf.Tensor
    health: tf.Tensor


class Step:
    """Forward, backward and update, without side effects.

    The two halves meet at the sum over replicas: the caller adds up what
    `forward_backward` found on each of them, and `apply` takes the sum. Neither touches
    a variable: whatever they need comes in as a tensor and goes out as a tensor, so XLA
    compiles either half, or both as one, on any replica.

    Args:
        model: A built model; used for its graph only, its variables are not read.
        optimizer: As `make_optimizer` made it.
        recipe: The numbers.
        decayed: The variables that `recipe.coupled_decay` is for.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        recipe: Recipe,
        decayed: list[keras.Variable],
    ):
        self._model = model
        self._network = Network(
            model,
            recipe.gradient_checkpointing,
            any_size=recipe.small_size > 0,
            samples=recipe.samples,
            gradient_averaging=recipe.gradient_averaging,
            deep_supervision=recipe.deep_supervision,
        )
        self._optimizer = optimizer
        self._recipe = recipe
        # In synchronized batch norm.
        self._replicas_meet = any(
            getattr(layer, "synchronized", False) for layer in model._flatten_layers()
        )
        self._shapes = [tuple(v.shape) for v in model.trainable_variables]
        self._decayed = [
            any(v is d for d in decayed) for v in model.trainable_variables
        ]

    def forward_backward(
        self,
        state: State,
        images: tf.Tensor,
        labels: tf.Tensor,
        step: tf.Tensor,
        replica: tf.Tensor,
        *,
        seed: Integer = 0,
        targets: tf.Tensor | None = None,
        small: bool = False,
    ) -> tuple[Found, list[tf.Tensor]]:
        """The gradient of a replica's examples, and the new `local`.

        Args:
            state: The state.
            images: `[b, H, W, 3]`, pixel values.
            labels: float32 `[b, K]`, probabilities.
            step: int64 scalar, the global step.
            replica: integer scalar, the replica's number.
            seed: Of dropout and choices, an integer or an integer scalar.
            targets: float32 `[b, K]`, probabilities that are learned instead of the
                labels, by which predictions still count as correct.
            small: Whether to shrink the images to the recipe's small size.
        """
        if small:
            images = shrink(images, self._recipe.small_size)
        batch = (images, labels, labels if targets is None else targets)
        parts = self._recipe.accumulation_steps
        if parts == 1:
            return self._part(state, state.local, batch, step, replica, seed)
        batch = [tf.reshape(t, [parts, -1, *t.shape[1:]]) for t in batch]

        def turn(i, total, local):
            number = step * parts + tf.cast(i, step.dtype)
            examples = [t[i] for t in batch]
            part, local = self._part(state, local, examples, number, replica, seed)
            return i + 1, tf.nest.map_structure(tf.add, total, part), local

        start = (tf.constant(0), self._nothing(), state.local)
        if self._replicas_meet:
            return _one_by_one(turn, start, parts)
        _, total, local = tf.while_loop(lambda i, *_: i < parts, turn, start)
        return total, local

    def apply(
        self, state: State, local: list[tf.Tensor], summed: Found, step: tf.Tensor
    ) -> State:
        """The state after the update with what all replicas found together.

        A gradient or loss that isn't finite changes no weight, now or later: with
        float16 the loss scale is halved, otherwise `bad_step` says so from then on.

        Args:
            state: The state before the step.
            local: The new values of `State.local`.
            summed: The sum over replicas of what `forward_backward` found.
            step: int64 scalar, the global step.
        """
        recipe = self._recipe
        gradients = summed.gradients
        if recipe.loss_scaling:
            gradients = [g / state.loss_scale for g in gradients]
        moves = [step >= first for first in recipe.first_steps]
        norm = tf.linalg.global_norm(_chosen(moves, gradients))
        if recipe.clip_norm:
            factor = recipe.clip_norm / tf.maximum(norm, recipe.clip_norm)
            gradients = [g * factor for g in gradients]
        if recipe.coupled_decay:
            gradients = [
                g + recipe.coupled_decay * w if decays else g
                for g, w, decays in zip(
                    gradients, state.trainable, self._decayed, strict=True
                )
            ]
        trainable, optimizer = self._optimizer.stateless_apply(
            state.optimizer, gradients, state.trainable
        )
        trainable = _chosen(moves, trainable, state.trainable)
        new = state._replace(
            trainable=trainable,
            local=local,
            optimizer=optimizer,
            ema=self._average(state, trainable),
            good_steps=state.good_steps + 1,
            sums=state.sums + tf.concat([summed.sums, tf.stack([norm, 1.0])], 0),
        )
        new = self._double_loss_scale(new)
        skipped = self._skip(state, step)
        finite = tf.reduce_all(tf.math.is_finite([summed.sums[0], summed.health, norm]))
        sound = finite & (state.bad_step < 0)
        return tf.nest.map_structure(lambda a, b: tf.where(sound, a, b), new, skipped)

    def pack(self, found: Found) -> tf.Tensor:
        """`found` as one float32 vector: one message to other replicas, not many."""
        return pack([*found.gradients, found.sums, found.health])

    def unpack(self, vector: tf.Tensor) -> Found:
        """What `pack` was given."""
        *gradients, sums, health = unpack(vector, [*self._shapes, (3,), ()])
        return Found(gradients, sums, health)

    def _nothing(self) -> Found:
        gradients = [tf.zeros(shape) for shape in self._shapes]
        return Found(gradients, tf.zeros(3), tf.zeros(()))

    def _part(self, state, local, batch, step, replica, seed):
        """`forward_backward` of examples that are taken at once."""
        recipe = self._recipe
        images, labels, targets = batch
        others = with_seeds(self._model, local, seed, step, replica)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(state.trainable)
            outputs, others = self._network(
                state.trainable, others, tf.cast(images, tf.float32)
            )
            logits, choices = outputs["logits"], outputs["choices"]
            samples = recipe.samples if choices else 1
            if samples > 1:
                labels = tf.repeat(labels, samples, axis=0)
                targets = tf.repeat(targets, samples, axis=0)
            losses = self._losses(targets, outputs["level_logits"] or [logits])
            if recipe.class_weights:
                losses *= tf.linalg.matvec(labels, tf.constant(recipe.class_weights))
            correct = tf.argmax(logits, -1) == tf.argmax(labels, -1)
            correct = tf.cast(correct, tf.float32)
            loss = tf.reduce_sum(losses) / samples
            objective = loss + self._of_choices(choices, losses, correct)
            objective = objective / recipe.batch_size * state.loss_scale
        gradients = tape.gradient(
            objective, state.trainable, unconnected_gradients="zero"
        )
        correct = tf.reduce_sum(correct) / samples
        examples = tf.cast(tf.shape(labels)[0] // samples, tf.float32)
        local = without_seeds(self._model, others)
        health = tf.add_n([tf.reduce_sum(v) for v in local] or [tf.constant(0.0)])
        return Found(gradients, tf.stack([loss, correct, examples]), health), local

    def _losses(self, targets: tf.Tensor, predictions: list[tf.Tensor]) -> tf.Tensor:
        """Cross-entropies `[b]`, the mean over the predictions."""
        losses = [
            keras.losses.categorical_crossentropy(
                targets,
                logits,
                from_logits=True,
                label_smoothing=self._recipe.label_smoothing,
            )
            for logits in predictions
        ]
        return tf.add_n(losses) / len(losses)

    def _of_choices(self, choices, losses, correct):
        """What is minimized for the sake of choices: summed over examples."""
        if not choices:
            return 0.0
        recipe = self._recipe
        reward = correct if recipe.reward == "correct" else -losses
        reward = tf.reshape(reward, [-1, recipe.samples])
        terms = [
            reinforce(
                choice,
                reward,
                weight=recipe.reward_weight,
                entropy=recipe.entropy_weight,
            )
            for choice in choices
        ]
        return sum(tf.reduce_sum(tf.reduce_mean(term, -1)) for term in terms)

    def _average(self, state: State, trainable: list) -> list:
        """The moving average; young averages forget faster, or they'd be all start."""
        if not self._recipe.ema:
            return []
        updates = tf.cast(state.optimizer[0], tf.float32)
        decay = tf.minimum(self._recipe.ema, (1.0 + updates) / (10.0 + updates))
        return [
            average + (1.0 - decay) * (value - average)
            for average, value in zip(state.ema, trainable, strict=True)
        ]

    def _double_loss_scale(self, state: State) -> State:
        if not self._recipe.loss_scaling:
            return state
        due = state.good_steps >= _STEPS_TO_DOUBLE
        return state._replace(
            loss_scale=tf.where(due, state.loss_scale * 2.0, state.loss_scale),
            good_steps=tf.where(due, tf.zeros_like(state.good_steps), state.good_steps),
        )

    def _skip(self, state: State, step: tf.Tensor) -> State:
        """The state after a step that wasn't finite."""
        bad = tf.where(state.bad_step < 0, step, state.bad_step)
        if not self._recipe.loss_scaling:
            return state._replace(bad_step=bad)
        can_halve = (state.loss_scale > 1.0) & (state.bad_step < 0)
        return state._replace(
            loss_scale=tf.where(can_halve, state.loss_scale / 2.0, state.loss_scale),
            good_steps=tf.zeros_like(state.good_steps),
            bad_step=tf.where(can_halve, state.bad_step, bad),
        )


def _one_by_one(
    turn: Callable, start: tuple, parts: int
) -> tuple[Found, list[tf.Tensor]]:
    """A loop of so many turns without a graph of its own, where replicas can't meet.

    Each turn waits for the one before: its memory is free by then.
    """
    now = start
    for _ in range(parts):
        with tf.control_dependencies(tf.nest.flatten(now[1])):
            now = turn(*now)
    _, total, local = now
    return total, local


def _chosen(moves: list, values: list, others: list | None = None) -> list:
    """The values where weights move, elsewhere the others or 0; `[]`: all move."""
    if not moves:
        return values
    others = others or [tf.zeros_like(value) for value in values]
    return [tf.where(*one) for one in zip(moves, values, others, strict=True)]


def make_step(config, model, optimizer, class_weights=(), first_steps=()) -> Step:
    """The step of a config; most of its numbers are `config.train`'s own."""
    coupled = config.optimizer.decay_mode == "coupled"
    others = {
        "class_weights": class_weights,
        "coupled_decay": config.optimizer.weight_decay if coupled else 0.0,
        "loss_scaling": config.runtime.precision == "mixed_float16",
        "first_steps": first_steps if any(first_steps) else (),
    }
    names = {field.name for field in dataclasses.fields(Recipe)} - set(others)
    recipe = Recipe(**others, **{name: config.train[name] for name in names})
    return Step(model, optimizer, recipe, decayed_variables(config, model))
