"""What makes up for classes of unequal size."""

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from ltpa_tf.data.source import Source


def class_weights(kind: str, source: Source) -> tuple[float, ...]:
    """What an example of each class counts in the loss; () where all count the same.

    "balanced" is scikit-learn's: N / (K n_k) for N training examples, n_k of them of
    class k; so the classes count alike, and the mean over all examples is 1.

    Args:
        kind: "none" or "balanced".
        source: The data set.
    """
    if kind == "none":
        return ()
    classes = np.arange(len(source.class_names))
    weights = compute_class_weight(kind, classes=classes, y=source.train.labels)
    return tuple(weights.tolist())
