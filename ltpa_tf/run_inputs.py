"""What a config names: its data, by paths that hold in whatever folder."""

import os
from typing import TYPE_CHECKING

from ltpa_tf.stores import is_remote

if TYPE_CHECKING:
    from ml_collections import ConfigDict

    from ltpa_tf import data


def with_absolute_paths(config: "ConfigDict") -> "ConfigDict":
    """A copy that means the same data in whatever folder a program is started."""
    from ltpa_tf import models

    config = config.copy_and_resolve_references()
    of_models = ("init_from", "teacher")
    paths = [(config.data, "dir"), *((config.train, name) for name in of_models)]
    if config.model.backbone.endswith(".keras"):
        paths.append((config.model, "backbone"))
    if config.model.backbone_weights != "imagenet":
        paths.append((config.model, "backbone_weights"))
    for part, name in paths:
        named = name in of_models and part[name] in models.list_presets()
        # A bucket's is whole already.
        if part[name] and not is_remote(part[name]) and not named:
            part[name] = os.path.abspath(os.path.expanduser(part[name]))  # noqa: PTH100, PTH111
    return config


def load_data(config: "ConfigDict") -> "data.Source":
    """The data set of `config.data`.

    Raises:
        SettingError: If it can't be loaded.
    """
    from ltpa_tf import data

    settings = {k: v for k, v in config.data.items() if k != "placement"}
    return data.load(seed=config.seed, **settings)
