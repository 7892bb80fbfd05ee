"""Ask a server: TensorFlow Serving, or the development server."""

from ltpa_tf.serving.client.client import Client
from ltpa_tf.serving.client.transport import (
    NotServed,
    RequestRefused,
    ServerFailed,
    ServerUnreachable,
    ServingError,
)

__all__ = [
    "Client",
    "NotServed",
    "RequestRefused",
    "ServerFailed",
    "ServerUnreachable",
    "ServingError",
]
