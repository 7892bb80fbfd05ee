"""Names: of layers, as TensorFlow takes them; of weights, the same in every process."""

import re

import keras

from ltpa_tf.errors import SettingError

_SCOPE = re.compile(r"[A-Za-z0-9_.\\/>-]*")  # tf.name_scope's
_ROOT = re.compile(r"[A-Za-z0-9.]" + _SCOPE.pattern)


def check_names(model: keras.Model, setting: str = "model") -> None:
    """Refuses names that no graph can have, as `fit`, `predict` and exports make.

    Keras takes any name, and TensorFlow without a graph does. Other backends have no
    such rule.

    Args:
        model: Its own name and those of all its layers are looked at.
        setting: For the message.

    Raises:
        SettingError: Naming the first of them.

    Example:
        >>> models.check_names(keras.Sequential([keras.layers.ReLU(name="my relu")]))
        Traceback (most recent call last):
        ltpa_tf.errors.SettingError: model: expected names of letters (a to z), ...
    """
    if keras.backend.backend() != "tensorflow":
        return
    rule = "letters (a to z), digits, _, . and - alone"
    if not _ROOT.fullmatch(model.name):
        raise SettingError(
            setting,
            f"a model named {model.name!r}",
            f"a name of {rule}, not _ or - first",
        )
    for layer in model._flatten_layers(include_self=False):
        used = not isinstance(layer, keras.layers.InputLayer)
        if used and not _SCOPE.fullmatch(layer.name):
            raise SettingError(
                setting,
                f"a layer named {layer.name!r}",
                f"names of {rule}; layer.name = 'NEW' renames one",
            )


def variable_paths(model: keras.Model) -> dict[int, str]:
    """The path of each weight of the model, by its id; the same in every process.

    Keras numbers layers and variables without a name through the whole process
    (`dense_7`, where a fresh process says `dense`): here the model's own are counted.
    """
    renamed, count = {}, {}
    for layer in model._flatten_layers():
        stem = re.sub(r"_\d+$", "", layer.name)
        if stem.replace("_", "") == type(layer).__name__.lower():
            renamed[layer.name] = f"{stem}_{count[stem]}" if stem in count else stem
            count[stem] = count.get(stem, 0) + 1
    paths = [
        "/".join(renamed.get(part, part) for part in variable.path.split("/"))
        for variable in model.weights
    ]
    paths = unique([re.sub(r"\bvariable_\d+$", "variable", path) for path in paths])
    return {id(v): path for v, path in zip(model.weights, paths, strict=True)}


def unique(names: list[str]) -> list[str]:
    """The names, those that come again with a number behind them."""
    return [
        f"{name}#{names[:i].count(name)}" if name in names[:i] else name
        for i, name in enumerate(names)
    ]
