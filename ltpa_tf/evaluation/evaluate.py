"""One pass over a split: every metric of a trained model."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf import data
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation import glimpses, pointing
from ltpa_tf.evaluation.border import Border
from ltpa_tf.evaluation.metrics import Classification
from ltpa_tf.evaluation.mistakes import Mistakes
from ltpa_tf.models import attention_model, check_names, glimpses_of, grids


def evaluate(
    model: keras.Model,
    split: "data.Split",
    class_names: tuple[str, ...],
    *,
    batch_size: int = 256,
    progress: Callable[[int], object] | None = None,
) -> dict:
    """Evaluates a model on every example of a split, each exactly once.

    The last batch is padded and its padding left out of every count, so the result
    doesn't depend on the batch size.

    Args:
        model: Takes `[B, H, W, 3]` pixel values 0 to 255, gives `[B, K]` logits or
            log-probabilities.
        split: What to evaluate on; where it knows boxes, the maps are tested too.
        class_names: K names.
        batch_size: Examples per step, at most.
        progress: Called after each batch with the number of examples in it.

    Returns:
        A dictionary ready for JSON: what `evaluation.metrics.Classification.result`
        gives (`examples`, `top1`, `balanced_accuracy`, `nll`, `ece`, `confusion` and
        so on); `mistakes`, see `evaluation.mistakes.Mistakes`; of a model with
        attention `border`, see `evaluation.border.Border.result`; and, where boxes are
        known too, `pointing`: the hit rate of each level (`"level_7": ...`) and
        `chance`, the hit rate of a uniformly random pixel; of a model that takes
        glimpses then `glimpses`, see `evaluation.glimpses.measure`.

    Raises:
        SettingError: If the split is empty, or the model has another number of classes
            or gives numbers that are not finite.

    Example:
        >>> source = data.load("digits")
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> result = evaluation.evaluate(model, source.test, source.class_names)
        >>> 0 <= result["top1"] <= 1, result["examples"] == len(source.test)
        (True, True)
    """
    check_names(model)
    if not len(split):
        raise SettingError("split", "no examples", "a split with at least one")
    if model.output_shape[-1] != len(class_names):
        raise SettingError(
            "class_names",
            f"{len(class_names)} names",
            f"{model.output_shape[-1]}, one for each of the model's outputs",
        )
    batch_size = min(batch_size, len(split))  # of a small split, one without padding
    counts = Classification(len(class_names))
    mistakes, border = Mistakes(class_names), Border()
    hits: dict[str, float] = {}
    chance = 0.0

    places = {} if split.boxes is None else grids(model, split.shape[:2])
    forward = tf.function(attention_model(model), autograph=False)
    batches = data.evaluation_dataset(split, batch_size=batch_size)
    for images, labels, mask in batches:
        real = mask.numpy()
        outputs = {
            name: value.numpy()[real]
            for name, value in forward(images, training=False).items()
        }
        counts_before = counts.examples
        logits = outputs.pop("logits")
        counts.update(logits, labels.numpy()[real])
        mistakes.update(logits, labels.numpy()[real], counts_before)
        border.update(outputs)
        if split.boxes is not None and outputs:
            size = tuple(images.shape[1:3])
            # Batches come in the split's own order.
            boxes = split.boxes[counts_before : counts.examples]
            for level, maps in outputs.items():
                found = pointing.pointing_hits(maps, boxes, size, places[level])
                hits[level] = hits.get(level, 0.0) + float(found.sum())
            chance += float(pointing.chance(boxes, size).sum())
        if progress is not None:
            progress(int(np.count_nonzero(real)))

    result = counts.result(class_names) | {"mistakes": mistakes.worst}
    if border.result():
        result["border"] = border.result()
    if hits:
        sums = {**hits, "chance": chance}
        result["pointing"] = {k: v / counts.examples for k, v in sums.items()}
    if split.boxes is not None and glimpses_of(model) is not None:
        result["glimpses"] = glimpses.measure(model, split, batch_size)
    return result
