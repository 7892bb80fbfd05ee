"""A trained model, served: SavedModel, TensorFlow Serving's files, a client."""

from ltpa_tf.serving.check import check_export
from ltpa_tf.serving.client import (
    Client,
    NotServed,
    RequestRefused,
    ServerFailed,
    ServerUnreachable,
    ServingError,
)
from ltpa_tf.serving.prediction import Prediction
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
    "label",
    "latest_version",
    "list_versions",
    "preset_of_run",
    "promote",
]
