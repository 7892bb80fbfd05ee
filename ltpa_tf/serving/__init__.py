"""A trained model, served: SavedModel, TensorFlow Serving's files, a client.

What asks a server is there at once; what needs TensorFlow is imported when it is used.
"""

import importlib
from typing import TYPE_CHECKING

from ltpa_tf.serving.client import (
    Client,
    NotServed,
    RequestRefused,
    ServerFailed,
    ServerUnreachable,
    ServingError,
)
from ltpa_tf.serving.prediction import Prediction

if TYPE_CHECKING:
    from ltpa_tf.serving.check import check_export
    from ltpa_tf.serving.drift import find_drift
    from ltpa_tf.serving.predictor import Predictor
    from ltpa_tf.serving.promotion import promote
    from ltpa_tf.serving.run_export import (
        convert_run,
        export_preset,
        export_run,
        preset_of_run,
    )
    from ltpa_tf.serving.saved_model import export
    from ltpa_tf.serving.server_files import label
    from ltpa_tf.serving.versions import latest_version, list_versions

_WITH_TENSORFLOW = {
    "Predictor": "predictor",
    "check_export": "check",
    "convert_run": "run_export",
    "export": "saved_model",
    "export_preset": "run_export",
    "export_run": "run_export",
    "find_drift": "drift",
    "label": "server_files",
    "latest_version": "versions",
    "list_versions": "versions",
    "preset_of_run": "run_export",
    "promote": "promotion",
}

__all__ = [
    "Client",
    "NotServed",
    "Prediction",
    "Predictor",
    "RequestRefused",
    "ServerFailed",
    "ServerUnreachable",
    "ServingError",
    "check_export",
    "convert_run",
    "export",
    "export_preset",
    "export_run",
    "find_drift",
    "label",
    "latest_version",
    "list_versions",
    "preset_of_run",
    "promote",
]


def __getattr__(name: str):
    if name not in _WITH_TENSORFLOW:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_WITH_TENSORFLOW[name]}")
    return getattr(module, name)
