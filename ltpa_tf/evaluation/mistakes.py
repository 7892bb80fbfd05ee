"""The wrong answers that a model is surest of."""

from collections.abc import Sequence

import numpy as np

from ltpa_tf.logits import log_probabilities

MOST = 12


class Mistakes:
    """Keeps the worst wrong answers while a split goes by.

    Args:
        class_names: K names.

    Attributes:
        worst: The surest first: `index` in the split, `true` and `predicted` class, and
            the `probability` of the latter.
    """

    def __init__(self, class_names: Sequence[str]):
        self._names = class_names
        self.worst: list[dict] = []

    def update(self, logits: np.ndarray, labels: np.ndarray, start: int) -> None:
        """Takes a batch.

        Args:
            logits: `[B, K]` logits or log-probabilities.
            labels: `[B]` true classes.
            start: Place of the batch's first example in the split.
        """
        predicted = logits.argmax(-1)
        confidence = np.exp(log_probabilities(logits.astype(np.float64)).max(-1))
        self.worst += [
            {
                "index": start + int(i),
                "true": self._names[labels[i]],
                "predicted": self._names[predicted[i]],
                "probability": float(confidence[i]),
            }
            for i in np.flatnonzero(predicted != labels)
        ]
        self.worst.sort(key=lambda one: (-one["probability"], one["index"]))
        del self.worst[MOST:]
