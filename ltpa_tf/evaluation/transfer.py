"""Transfer: another data set, classified by the features that a model has learned.

The paper asks how well attended features serve elsewhere (section 5.3, cross-domain
classification): the model stays as it is, and a linear classifier is trained on what
its own head takes. Run on a model with attention and on one without, it says what
attention is worth there.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ltpa_tf import data, models
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation.intervals import interval
from ltpa_tf.layers import AttentionEstimator

_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)
"""Of scikit-learn's C; the one of these that is best on a tenth set aside is taken."""

_ITERATIONS = 200


def transfer(model: keras.Model, source: data.Source, *, batch_size: int = 256) -> dict:
    """Trains a linear classifier on features of another data set's images.

    Args:
        model: A functional model whose last layer is its head: a `ConcatHead` or
            `IndepHead` on descriptors, or a linear layer on one vector.
        source: Train and test part of the other data set.
        batch_size: Images at a time; changes no result but for rounding.

    Returns:
        Ready for JSON: `train` and `test`, how many images; `strength`, the C that was
        taken; and `accuracy`, `[mean, low, high]` (see `intervals.interval`) on the
        test part: of `all` features, and where there are several levels also of each
        one's own.

    Raises:
        SettingError: If the source has no test part, its images aren't the model's
            size, or the model has no features that are vectors; before any work.
    """
    check(model, source)
    extractor = _extractor(models.as_float32(model))
    train = _features(extractor, source.train, batch_size)
    test = _features(extractor, source.test, batch_size)
    labels = source.train.labels
    everything = np.concatenate(list(train.values()), axis=1)
    strength = _strength(everything, labels)
    result = {"train": len(labels), "test": len(source.test), "strength": strength}
    names = {"all": list(train)}
    if len(train) > 1:
        names |= {name: [name] for name in train}
    result["accuracy"] = {}
    for name, parts in names.items():
        fitted = _classifier(strength).fit(_join(train, parts), labels)
        right = fitted.predict(_join(test, parts)) == source.test.labels
        result["accuracy"][name] = interval(right)
    return result


def check(model: keras.Model, source: data.Source) -> None:
    """Raises what `transfer` would, before any work."""
    if source.test is None:
        raise SettingError("--transfer", source.name, "a data set with a test part")
    if model.input_shape[1:3] != source.image_shape[:2]:
        taken = model.input_shape[1:3]
        raise SettingError("--transfer", source, f"images of {taken[0]}x{taken[1]}")
    _extractor(model)


def _extractor(model: keras.Model) -> keras.Model:
    """Images -> the vectors that the model's last layer takes, by name."""
    taken = model.layers[-1].input
    taken = list(taken) if isinstance(taken, list | tuple) else [taken]
    if any(len(one.shape) != 2 for one in taken):
        raise SettingError(
            "--transfer", model.name, "a model whose head takes vectors of features"
        )
    names = [_level(one) for one in taken]
    if None in names or len(set(names)) < len(names):
        names = [f"part_{i}" for i in range(len(taken))]
    return keras.Model(model.input, dict(zip(names, taken, strict=True)))


def _level(vector: keras.KerasTensor) -> str | None:
    """The estimator whose descriptor it is, alone or beside the level's maximum."""
    made = vector._keras_history
    sources = made.operation._inbound_nodes[made.node_index].input_tensors
    for one in (vector, *sources):
        if isinstance(one._keras_history.operation, AttentionEstimator):
            return one._keras_history.operation.name
    return None


def _features(
    extractor: keras.Model, split: data.Split, batch_size: int
) -> dict[str, np.ndarray]:
    forward = tf.function(
        lambda images: extractor(tf.cast(images, tf.float32), training=False),
        autograph=False,
    )
    found: dict[str, list] = {}
    for start in range(0, len(split), batch_size):
        # In whole batches: one graph for all.
        where = np.arange(start, start + batch_size).clip(max=len(split) - 1)
        for name, value in forward(split.images(where, np.int64(0))).items():
            found.setdefault(name, []).append(value.numpy())
    return {name: np.concatenate(v)[: len(split)] for name, v in found.items()}


def _join(features: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    return np.concatenate([features[name] for name in names], axis=1)


def _strength(features: np.ndarray, labels: np.ndarray) -> float:
    fit, held, fit_labels, held_labels = train_test_split(
        features, labels, test_size=0.1, random_state=0
    )
    scores = [
        _classifier(one).fit(fit, fit_labels).score(held, held_labels)
        for one in _STRENGTHS
    ]
    return _STRENGTHS[int(np.argmax(scores))]


def _classifier(strength: float):
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, max_iter=_ITERATIONS)
    )
