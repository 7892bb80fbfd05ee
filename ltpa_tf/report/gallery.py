"""Images, each with the maps of every method side by side."""

from collections.abc import Sequence

import keras
import numpy as np
from markupsafe import Markup

from ltpa_tf import data
from ltpa_tf.explain.explanation import Explanation
from ltpa_tf.explain.methods import Method, compute
from ltpa_tf.logits import log_probabilities
from ltpa_tf.report.html import fill, join
from ltpa_tf.report.pictures import data_uri, overlay, scale

_BATCH = 16


def explained(
    model: keras.Model,
    methods: Sequence[Method],
    split: data.Split,
    indices: Sequence[int],
    part: str,
) -> list[Explanation]:
    """Predicts examples and makes the maps of what is predicted.

    Args:
        model: What the methods were made of.
        methods: See `explain.methods.methods`.
        split: Has the examples.
        indices: Which of them.
        part: The split's name.

    Returns:
        One for each index; its maps are at the image's resolution, by their names.
    """
    where = np.array(indices, np.int64)
    images = np.asarray(split.images(where, np.int64(0)))
    size = min(_BATCH, len(images))
    logits = model.predict(images, batch_size=size, verbose=0)
    maps = {}
    for method in methods:
        maps |= compute(model, images, method, logits.argmax(-1), batch_size=size)
    return [
        Explanation(
            image=images[i],
            probabilities=np.exp(log_probabilities(logits[i])),
            maps={name: values[i] for name, values in maps.items()},
            label=int(split.labels[index]),
            box=None if split.boxes is None else tuple(map(int, split.boxes[index])),
            name=f"{part} {index}",
        )
        for i, index in enumerate(indices)
    ]


def gallery(items: Sequence[Explanation], class_names: Sequence[str]) -> Markup:
    """All of them, one below the other."""
    return join(_one(item, class_names) for item in items)


def legend() -> Markup:
    """How the colours are to be read."""
    strips = [
        fill('<img class="scale" src="{}" alt="{}">', data_uri(pixels), alt)
        for pixels, alt in zip(
            scale().values(), ("purple to yellow", "blue to green"), strict=True
        )
    ]
    return fill(
        '<p class="legend">Maps of the predicted class. Colour begins where a map is '
        "at the mean of its absolute values and ends at 16 times that, in equal steps "
        "for each doubling, for every method: a flat map looks flat. Maps that are "
        "signed speak for the class ({}) or against it ({}). Dashed is the box of the "
        "object, where it is known.</p>",
        *strips,
    )


def _one(item: Explanation, class_names: Sequence[str]) -> Markup:
    true, predicted = class_names[item.label], class_names[item.predicted]
    right = item.label == item.predicted
    pictures = [("image", item.image)]
    pictures += [(k, overlay(item.image, values)) for k, values in item.maps.items()]
    figures = (
        fill(
            '<figure><div class="picture"><img src="{}" alt="{}">{}</div>'
            "<figcaption>{}</figcaption></figure>",
            data_uri(pixels),
            f"{item.name}, {true}: {name.replace('_', ' ')}",
            _box(item),
            name.replace("_", " "),
        )
        for name, pixels in pictures
    )
    return fill(
        '<article><h3>{} <span class="{}">{} {}</span> <small>{:.1%}{}</small></h3>\n'
        '<div class="pictures">{}</div></article>',
        item.name,
        "right" if right else "wrong",
        "✓" if right else "✗",
        predicted,
        item.probabilities[item.predicted],
        "" if right else f", true: {true}",
        join(figures),
    )


def _box(item: Explanation) -> Markup | str:
    if item.box is None:
        return ""
    top, left, bottom, right = item.box
    height, width = item.image.shape[:2]
    return fill(
        '<i class="box" style="left:{:.2f}%;top:{:.2f}%;width:{:.2f}%;height:{:.2f}%">'
        "</i>",
        100 * left / width,
        100 * top / height,
        100 * (right - left) / width,
        100 * (bottom - top) / height,
    )
