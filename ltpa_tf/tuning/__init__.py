"""Finding settings with keras-tuner.

    summary = ltpa_tf.tuning.search(config, "runs/tune", defaults=common.get_config())

A user's own keras-tuner search takes `HyperModel` instead.
"""

import importlib

from ltpa_tf.errors import SearchError
from ltpa_tf.tuning.ranges import Range, choice, integer, linear, log

__all__ = [
    "HyperModel",
    "Range",
    "SearchError",
    "Space",
    "choice",
    "integer",
    "linear",
    "log",
    "search",
]

# Config files take the ranges from here, and are read before TensorFlow is started.
_LATER = {"HyperModel": "hypermodel", "Space": "space", "search": "start"}


def __getattr__(name: str):
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
