"""Log-probabilities of logits."""

import numpy as np

from ltpa_tf.errors import SettingError


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """The log-softmax of logits or log-probabilities `[N, K]`, in their dtype.

    Raises:
        SettingError: If a logit is not a finite number.
    """
    if not np.isfinite(logits).all():
        raise SettingError(
            "logits", "nan or infinite", "a model whose outputs are finite numbers"
        )
    return logits - np.logaddexp.reduce(logits, -1, keepdims=True)
