"""How much an example of each class counts."""

import numpy as np
from ml_collections import ConfigDict
from sklearn.utils.class_weight import compute_class_weight

from ltpa_tf import data


def class_weights(config: ConfigDict, source: data.Source) -> tuple[float, ...]:
    """The weight of each class in the loss; () where all count the same.

    "balanced" is scikit-learn's: N / (K n_k) for N training examples, n_k of them of
    class k; so the classes count alike, and the mean over all examples is 1.
    """
    if config.train.class_weights == "none":
        return ()
    classes = np.arange(len(source.class_names))
    weights = compute_class_weight("balanced", classes=classes, y=source.train.labels)
    return tuple(weights.tolist())
