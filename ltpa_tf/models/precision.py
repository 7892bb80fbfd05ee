"""A model in another precision than it was trained in."""

import keras


def as_float32(model: keras.Model) -> keras.Model:
    """The same model computing in float32: `model` itself if it does so already.

    Example:
        >>> model = models.build(width=0.125, dtype="mixed_bfloat16")
        >>> models.as_float32(model).get_layer("level_7").dtype_policy.name
        'float32'
    """
    config = model.get_config()
    wanted = _float32(config)
    if wanted == config:
        return model
    rebuilt = type(model).from_config(wanted)
    rebuilt.set_weights(model.get_weights())
    return rebuilt


def _float32(config: object) -> object:
    """A Keras config with every dtype policy in it, however deep, set to float32."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": "float32"}}
        return {key: _float32(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_float32(value) for value in config)
    return config
