"""Trainable visual attention ("Learn to Pay Attention", ICLR 2018) in Keras 3.

    import ltpa_tf

    model = ltpa_tf.models.build("vgg_att2_concat_pc")

Submodules are imported when they are first used: `import ltpa_tf` alone imports neither
Keras nor TensorFlow. Once Keras is imported, too, `keras.models.load_model` knows this
package's layers and models.

Examples in docstrings are run by a test, after

    import keras
    import numpy as np
    import tensorflow as tf
    from ltpa_tf import data, evaluation, explain, ..., tuning
"""

import importlib

from ltpa_tf.registration import register_with_keras

__version__ = "0.1.0"

_SUBMODULES = (
    "config",
    "data",
    "evaluation",
    "explain",
    "layers",
    "models",
    "report",
    "run",
    "serving",
    "training",
    "tuning",
)


def __getattr__(name: str):
    if name not in _SUBMODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBMODULES])


register_with_keras()
