"""Keras's optimizers as pure functions of tensors."""

import inspect

import keras
from keras import ops
from keras.src.optimizers.base_optimizer import BaseOptimizer
from ml_collections import ConfigDict

from ltpa_tf.errors import SettingError
from ltpa_tf.optimizers.muon import SGDMuon, is_convolution_kernel
from ltpa_tf.words import one_of

# Wrappers of other optimizers; and Nadam, whose update is entangled with the
# distribution code that is replaced here.
_UNUSABLE = {"optimizer", "lossscaleoptimizer", "multioptimizer", "nadam"}


class _Pure:
    """Puts back Keras's backend-free methods.

    On the TensorFlow backend Keras overrides them with ones that need tf.Variables and
    a strategy, and refuses `stateless_apply`: a step that is a pure function, and so a
    run that goes on with the same bits, can't be had of them. What all optimizers
    share, and each one's `update_step`, work on tensors as they do on JAX: the whole
    update then is a pure function, which XLA compiles and replicas compute alike.

    Attributes:
        bias_lr_multiplier: Multiplies the learning rate of batch norm's biases.
        rates: What multiplies that of each variable, and its decay; () = 1 for all.
    """

    bias_lr_multiplier = 1.0
    rates: tuple[float, ...] = ()

    assign = BaseOptimizer.assign
    assign_add = BaseOptimizer.assign_add
    assign_sub = BaseOptimizer.assign_sub
    stateless_apply = BaseOptimizer.stateless_apply
    _var_key = BaseOptimizer._var_key

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        if isinstance(self, SGDMuon):
            grads = self.directions(grads, trainable_variables)
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            factor = self.bias_lr_multiplier if variable.name == "beta" else 1.0
            factor *= self._rate(variable)
            self.update_step(gradient, variable, learning_rate * factor)

    def _rate(self, variable) -> float:
        return self.rates[self._get_variable_index(variable)] if self.rates else 1.0


def names() -> tuple[str, ...]:
    """The optimizers that `optimizer.name` can name.

    Example:
        >>> "sgd_muon" in optimizers.names()
        True
    """
    return tuple(sorted(_classes()))


def make_optimizer(
    config: ConfigDict, model: keras.Model, learning_rate
) -> keras.optimizers.Optimizer:
    """The optimizer of `config.optimizer`, built for the model's trainable variables.

    Its `stateless_apply(optimizer_values, gradients, values)` is to be used, never
    `apply`. Coupled weight decay is not its part: it belongs to the gradient.

    Args:
        config: The whole config.
        model: The model to be trained.
        learning_rate: A number or a Keras schedule.

    Raises:
        SettingError: If there is no such optimizer.

    Example:
        >>> from ltpa_tf.configs import quickstart
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> optimizers.make_optimizer(quickstart.get_config(), model, 0.1).built
        True
    """
    kind, arguments = class_and_arguments(config)
    pure = type(kind.__name__, (_without_distribution(kind), kind), {})
    optimizer = pure(learning_rate, name="optimizer", **arguments)
    optimizer.bias_lr_multiplier = config.optimizer.bias_lr_multiplier
    decayed = decayed_variables(config, model)
    optimizer.exclude_from_weight_decay(
        [v for v in model.trainable_variables if not any(v is d for d in decayed)]
    )
    optimizer.build(model.trainable_variables)
    return optimizer


def class_and_arguments(
    config: ConfigDict,
) -> tuple[type[keras.optimizers.Optimizer], dict]:
    """The class that `optimizer.name` names, and what it takes but the learning rate.

    Raises:
        SettingError: If there is no such optimizer.

    Example:
        >>> from ltpa_tf.configs import quickstart
        >>> optimizers.class_and_arguments(quickstart.get_config())[1]
        {'weight_decay': 0.005, 'momentum': 0.9, 'nesterov': True}
    """
    settings = config.optimizer
    classes = _classes()
    if settings.name.lower() not in classes:
        raise SettingError("optimizer.name", settings.name, one_of(sorted(classes)))
    kind = classes[settings.name.lower()]
    decay = settings.weight_decay if settings.decay_mode == "decoupled" else 0.0
    # Without decay: None spares a pass over the weights, but AdamW refuses it.
    off = 0.0 if issubclass(kind, keras.optimizers.AdamW) else None
    arguments = {"weight_decay": decay or off}
    if issubclass(kind, keras.optimizers.SGD):
        arguments |= {"momentum": settings.momentum, "nesterov": settings.nesterov}
    if kind is SGDMuon:
        arguments["muon_factor"] = settings.muon_factor
        if config.runtime.precision == "mixed_bfloat16":
            arguments["product_dtype"] = "bfloat16"
    if "adam_weight_decay" in inspect.signature(kind).parameters:  # Muon's second one
        arguments["adam_weight_decay"] = decay or None
    return kind, arguments


def decayed_variables(config: ConfigDict, model: keras.Model) -> list[keras.Variable]:
    """The trainable variables that `optimizer.decay_on` speaks of.

    Muon's aren't among them: they are of fixed norm, so there is nothing to decay.

    Example:
        >>> from ltpa_tf.configs import quickstart
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> decayed = optimizers.decayed_variables(quickstart.get_config(), model)
        >>> len(decayed) <= len(model.trainable_variables)
        True
    """
    variables = list(model.trainable_variables)
    if config.optimizer.name.lower() == "sgd_muon":
        variables = [v for v in variables if not is_convolution_kernel(v)]
    if config.optimizer.decay_on == "all":
        return variables
    return [v for v in variables if v.name.endswith("kernel")]


def _classes() -> dict[str, type]:
    kerass = {
        name.lower(): kind
        for name, kind in vars(keras.optimizers).items()
        if inspect.isclass(kind)
        and issubclass(kind, keras.optimizers.Optimizer)
        and name.lower() not in _UNUSABLE
    }
    return kerass | {"sgd_muon": SGDMuon}


def _decay_by_rate(self, variables) -> None:
    """`BaseOptimizer._apply_weight_decay`, with each variable's own rate."""
    if self.weight_decay is None:
        return
    learning_rate = self.learning_rate  # a schedule is computed each time it is read
    for variable in variables:
        if self._use_weight_decay(variable):
            lr = ops.cast(learning_rate * self._rate(variable), variable.dtype)
            wd = ops.cast(self.weight_decay, variable.dtype)
            self.assign(variable, variable - variable * wd * lr)


def _without_distribution(kind: type) -> type:
    """`_Pure`, with the base's weight decay unless the optimizer has its own (Muon)."""
    if "_apply_weight_decay" in vars(kind):
        return _Pure
    return type("_Pure", (_Pure,), {"_apply_weight_decay": _decay_by_rate})
