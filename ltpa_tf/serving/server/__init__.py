"""A development server that speaks TensorFlow Serving's REST and gRPC surface.

And the Open Inference Protocol, on the same ports. For trying an export, for tests and
for machines without the real server. It needs the extra `serving`.
REST: https://www.tensorflow.org/tfx/serving/api_rest
"""

from ltpa_tf.serving.server.serve import DevelopmentServer

__all__ = ["DevelopmentServer"]
