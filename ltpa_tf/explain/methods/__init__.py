"""Every kind of map through one interface: a model and images in, `[B, H, W]` out.

    for method in methods(model, ["attention", "evidence", "gradcam"]):
        maps = method(images, classes)      # {"attention_7": [B, H, W], ...}

Maps are at the images' resolution, each cell where it looks, so those of all methods
can be laid over images, compared and measured alike. Larger is more important; where a
map is signed, what is negative speaks against the class.
"""

from ltpa_tf.explain.methods.choose import NAMES, methods
from ltpa_tf.explain.methods.method import Method, compute

__all__ = ["NAMES", "Method", "compute", "methods"]
