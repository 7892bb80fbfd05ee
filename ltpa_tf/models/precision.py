"""A model in another precision than it was made in."""

import contextlib
from collections.abc import Iterator

import keras


def as_float32(model: keras.Model) -> keras.Model:
    """The same model computing in float32: `model` itself if it does so already.

    Example:
        >>> model = models.build(width=0.125, dtype="mixed_bfloat16")
        >>> models.as_float32(model).get_layer("level_7").dtype_policy.name
        'float32'
    """
    return with_policy(model, "float32")


def with_policy(model: keras.Model, policy: str) -> keras.Model:
    """The same model under another dtype policy, that of all its layers.

    Args:
        model: Any Keras model that can be made from its config.
        policy: The policy's name, such as `"mixed_bfloat16"`.

    Returns:
        A model with the same weights, or `model` itself if nothing changes.

    Example:
        >>> model = models.build(width=0.125)
        >>> models.with_policy(model, "mixed_bfloat16").compute_dtype
        'bfloat16'
    """
    config = model.get_config()
    wanted = _with_policy(config, policy)
    if wanted == config:
        return model
    rebuilt = type(model).from_config(wanted)
    rebuilt.set_weights(model.get_weights())
    return rebuilt


def _with_policy(config: object, policy: str) -> object:
    """A Keras config with every dtype policy in it, however deep, set to this one."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": policy}}
        return {key: _with_policy(value, policy) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_with_policy(value, policy) for value in config)
    return config


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Keras's global dtype policy, inside of the context."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
