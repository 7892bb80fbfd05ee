"""Classification metrics as sums and counts: exact however a split is batched."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from ltpa_tf.errors import SettingError
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
        margins, seen: Of two classes, by batch: the logit of the second less that of
            the first, and the true classes.
    """

    num_classes: int
    confusion: np.ndarray = field(init=False)
    in_top: int = field(init=False, default=0)
    log_loss: float = field(init=False, default=0.0)
    bin_count: np.ndarray = field(init=False)
    bin_confidence: np.ndarray = field(init=False)
    bin_correct: np.ndarray = field(init=False)
    margins: list[np.ndarray] = field(init=False, default_factory=list)
    seen: list[np.ndarray] = field(init=False, default_factory=list)

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
            SettingError: If a logit is not a finite number, or a label is no class.
        """
        logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
        wrong = labels[(labels < 0) | (labels >= self.num_classes)]
        if len(wrong):
            raise SettingError("labels", int(wrong[0]), f"0 to {self.num_classes - 1}")
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
        if self.num_classes == 2:
            self.margins.append(logits[:, 1] - logits[:, 0])
            self.seen.append(labels)

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
            `examples`; `top1`, `top5` (of more than five classes), `nll` (nats), `ece`,
            as means over examples; `per_class` accuracy by class name (None for a class
            without examples); `balanced_accuracy`, `precision`, `recall` and `f1`, as
            means over the classes that have examples; `by_class` with `examples`,
            `precision`, `recall` and `f1` of each; of two classes `auc`, the area under
            the ROC curve (None where only one of them has examples); `confusion` as
            rows of true classes; `reliability` with `count`, `confidence` and
            `accuracy` of each bin (None in an empty one).
        """
        n = self.examples
        per_class = _ratio(self.confusion.diagonal(), self.confusion.sum(1))
        by_class, means = self._by_class(class_names)
        gaps = np.abs(self.bin_correct - self.bin_confidence)
        return {
            "examples": n,
            "top1": float(self.confusion.trace() / n),
            **({"top5": self.in_top / n} if self.num_classes > TOP else {}),
            "nll": self.log_loss / n,
            "ece": float(gaps.sum() / n),
            "balanced_accuracy": means["recall"],
            **means,
            **({"auc": self._auc()} if self.num_classes == 2 else {}),
            "per_class": dict(zip(class_names, per_class, strict=True)),
            "by_class": by_class,
            "confusion": self.confusion.tolist(),
            "reliability": {
                "count": self.bin_count.tolist(),
                "confidence": _ratio(self.bin_confidence, self.bin_count),
                "accuracy": _ratio(self.bin_correct, self.bin_count),
            },
        }

    def _by_class(self, class_names: tuple[str, ...]) -> tuple[dict, dict]:
        """Precision, recall and F1 of each class, and their means over classes.

        What has no example has no recall, and what is never predicted is given a
        precision of 0, as scikit-learn does by default.
        """
        true, predicted = np.indices(self.confusion.shape).reshape(2, -1)
        *scores, _ = precision_recall_fscore_support(
            true,
            predicted,
            labels=np.arange(self.num_classes),
            sample_weight=self.confusion.ravel(),
            zero_division=0,
        )
        examples = self.confusion.sum(1)
        there = examples > 0
        scores = dict(zip(("precision", "recall", "f1"), scores, strict=True))
        by_class = {
            name: {"examples": int(examples[k])}
            | {s: float(v[k]) if there[k] else None for s, v in scores.items()}
            for k, name in enumerate(class_names)
        }
        means = {name: float(values[there].mean()) for name, values in scores.items()}
        return by_class, means

    def _auc(self) -> float | None:
        labels = np.concatenate(self.seen)
        if len(np.unique(labels)) < 2:
            return None
        return float(roc_auc_score(labels, np.concatenate(self.margins)))


def confidence_bin(confidence: np.ndarray) -> np.ndarray:
    """The bin m with m/15 < confidence <= (m+1)/15, for confidences above 0."""
    edges = np.arange(1, BINS) / BINS
    return np.searchsorted(edges, confidence, side="left")


def _ratio(sums: np.ndarray, counts: np.ndarray) -> list[float | None]:
    return [
        float(total / count) if count else None
        for total, count in zip(sums, counts, strict=True)
    ]
