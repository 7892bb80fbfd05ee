"""Classification metrics as sums and counts: exact however a split is batched."""

from dataclasses import dataclass, field

import numpy as np

from ltpa_tf.logits import log_probabilities

BINS = 15  # of confidence, as in Guo et al. 2017 (arXiv 1706.04599)
TOP = 5


@dataclass
class Classification:
    """What has been counted over the examples seen so far.

    Attributes:
        num_classes: Number of classes K.
        confusion: `[K, K]` examples by true class (row) and predicted class (column).
        in_top: Examples whose true class is among the `min(5, K)` most probable.
        log_loss: Sum of `-log p(true class)`, in nats.
        bin_count, bin_confidence, bin_correct: `[15]` by confidence bin: examples, the
            sum of their confidences, and how many of them are right.
    """

    num_classes: int
    confusion: np.ndarray = field(init=False)
    in_top: int = field(init=False, default=0)
    log_loss: float = field(init=False, default=0.0)
    bin_count: np.ndarray = field(init=False)
    bin_confidence: np.ndarray = field(init=False)
    bin_correct: np.ndarray = field(init=False)

    def __post_init__(self):
        self.confusion = np.zeros((self.num_classes, self.num_classes), np.int64)
        self.bin_count = np.zeros(BINS, np.int64)
        self.bin_confidence = np.zeros(BINS)
        self.bin_correct = np.zeros(BINS, np.int64)

    def update(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Counts one batch.

        Args:
            logits: `[B, K]` logits or log-probabilities.
            labels: `[B]` true classes, 0 to K-1.

        Raises:
            SettingError: If a logit is not a finite number.
        """
        logits = np.asarray(logits, np.float64)
        log_probability = log_probabilities(logits)
        predicted = logits.argmax(-1)
        true_logit = np.take_along_axis(logits, labels[:, None], -1)
        # Of equal logits the lower class counts as first, as in argmax: a model that
        # gives the same to all classes gets no credit for it.
        ahead = (logits > true_logit) | (
            (logits == true_logit) & (np.arange(self.num_classes) < labels[:, None])
        )
        confidence = np.exp(log_probability.max(-1))
        bins = confidence_bin(confidence)

        np.add.at(self.confusion, (labels, predicted), 1)
        self.in_top += int((ahead.sum(-1) < min(TOP, self.num_classes)).sum())
        self.log_loss -= float(
            np.take_along_axis(log_probability, labels[:, None], -1).sum()
        )
        np.add.at(self.bin_count, bins, 1)
        np.add.at(self.bin_confidence, bins, confidence)
        np.add.at(self.bin_correct, bins, predicted == labels)

    @property
    def examples(self) -> int:
        """How many examples were counted."""
        return int(self.confusion.sum())

    def result(self, class_names: tuple[str, ...]) -> dict:
        """The metrics, ready for JSON.

        Expected calibration error: the predictions are put into 15 bins of equal width
        by confidence (the probability of the predicted class), bin m holding
        (m/15, (m+1)/15]; the error is the mean over all examples of the distance
        between their bin's accuracy and its mean confidence (Guo et al. 2017, eq. 3).

        Returns:
            `examples`; `top1`, `top5` (top `min(5, K)`), `nll` (nats), `ece`, as means
            over examples; `per_class` accuracy by class name (None for a class without
            examples); `confusion` as rows of true classes; `reliability` with `count`,
            `confidence` and `accuracy` of each bin (None in an empty one).
        """
        n = self.examples
        per_class = _ratio(self.confusion.diagonal(), self.confusion.sum(1))
        gaps = np.abs(self.bin_correct - self.bin_confidence)
        return {
            "examples": n,
            "top1": float(self.confusion.trace() / n),
            "top5": self.in_top / n,
            "nll": self.log_loss / n,
            "ece": float(gaps.sum() / n),
            "per_class": dict(zip(class_names, per_class, strict=True)),
            "confusion": self.confusion.tolist(),
            "reliability": {
                "count": self.bin_count.tolist(),
                "confidence": _ratio(self.bin_confidence, self.bin_count),
                "accuracy": _ratio(self.bin_correct, self.bin_count),
            },
        }


def confidence_bin(confidence: np.ndarray) -> np.ndarray:
    """The bin m with m/15 < confidence <= (m+1)/15, for confidences above 0."""
    edges = np.arange(1, BINS) / BINS
    return np.searchsorted(edges, confidence, side="left")


def _ratio(sums: np.ndarray, counts: np.ndarray) -> list[float | None]:
    return [
        float(total / count) if count else None
        for total, count in zip(sums, counts, strict=True)
    ]
