"""Methods by their names."""

from collections.abc import Callable, Sequence

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.explain.methods import gradients, libraries, own
from ltpa_tf.explain.methods.method import Method
from ltpa_tf.words import nearest, one_of

_MAKERS: dict[str, Callable] = {
    "attention": own.attention,
    "evidence": own.evidence,
    **dict.fromkeys(gradients.RULES, gradients.of_features),
    "saliency": gradients.saliency,
    **dict.fromkeys(libraries.XPLIQUE, libraries.xplique),
    "scorecam": libraries.score_cam,
}
NAMES: tuple[str, ...] = tuple(_MAKERS)


def methods(
    model: keras.Model, names: Sequence[str], *, size: tuple[int, int] | None = None
) -> list[Method]:
    """Makes methods for a model.

    Args:
        model: A functional model that gives logits, computing in float32.
        names: Some of `NAMES`; those of the Grad-CAM family also as `gradcam@LAYER`,
            of the features of another layer than the last.
        size: `(H, W)` of the images; None: the model's own.

    Raises:
        SettingError: If there is no such method or layer, the model has nothing for it,
            or its library isn't installed. All is found out before any map is made.
    """
    size = tuple(size or model.input_shape[1:3])
    if None in size:
        raise SettingError("size", size, "height and width of the images")
    if not names:
        raise SettingError("--maps", "", one_of(NAMES))
    return [Method(name, _maker(name)(model, size)) for name in dict.fromkeys(names)]


def _maker(name: str) -> Callable:
    kind, at, layer = name.partition("@")
    if kind not in _MAKERS or (at and kind not in gradients.RULES):
        raise SettingError("--maps", name, one_of(nearest(kind, NAMES) or NAMES))
    make = _MAKERS[kind]
    if kind in gradients.RULES:
        return lambda model, size: make(model, size, kind, layer or None)
    if kind in libraries.XPLIQUE:
        return lambda model, size: make(model, size, kind)
    return make
