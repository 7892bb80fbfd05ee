"""Maps in forms that cost little to compute and to send."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.serving.prediction import COMPACT
from ltpa_tf.words import one_of

FORMS = ("native", "uint8", "top")
"""What `--compact` names; the signatures are `attention_native` and so on."""
POSITIONS = 5
"""How many positions of a map `top` has, or all if it has fewer."""

_DECIMALS = 1e6
_LARGEST = 255  # of uint8


def check(forms: Sequence[str], names: Sequence[str]) -> None:
    """Whether a model with estimators of these names can give these forms.

    Raises:
        SettingError: If not.
    """
    for form in forms:
        if form not in FORMS:
            raise SettingError("--compact", form, one_of(FORMS))
    if forms and not names:
        raise SettingError(
            "--compact", ",".join(forms), "nothing, for a model without attention"
        )
    for name in names if forms else ():
        if name.endswith(COMPACT):
            raise SettingError("model", f"an estimator {name!r}", "another name for it")


def compact(form: str, maps: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The outputs of a form.

    Args:
        form: `"native"`: the maps alone, at their own resolution, to 6 decimals.
            `"uint8"`: the same as `NAME_uint8`, uint8 `[batch, h, w]`, and
            `NAME_scale`, float32 `[batch, 1]`, their factor: off by half a step at
            most, 1/510 of the map's highest value. `"top"`: `NAME_top`, float32
            `[batch, POSITIONS, 3]`, the positions with the most attention, the most
            first, each as row, column and attention.
        maps: Name -> attention, float32 `[batch, h, w]`.
    """
    as_form = {"native": _as_decimals, "uint8": _as_uint8, "top": _as_top}[form]
    outputs = {}
    for name, attention in maps.items():
        outputs |= as_form(name, attention)
    return outputs


def _as_decimals(name: str, attention: tf.Tensor) -> dict[str, tf.Tensor]:
    """TensorFlow Serving writes a number again, with 9 digits, that 6 don't hold."""
    # A graph makes a product of a plain division, which is off by a bit here and there.
    return {name: tf.math.divide_no_nan(tf.round(attention * _DECIMALS), _DECIMALS)}


def _as_uint8(name: str, attention: tf.Tensor) -> dict[str, tf.Tensor]:
    scale = tf.reduce_max(attention, axis=(1, 2)) / _LARGEST
    steps = tf.math.divide_no_nan(attention, scale[:, None, None])
    return {
        f"{name}_uint8": tf.cast(tf.round(steps), tf.uint8),
        f"{name}_scale": scale[:, None],
    }


def _as_top(name: str, attention: tf.Tensor) -> dict[str, tf.Tensor]:
    height, width = attention.shape[1:]
    flat = tf.reshape(attention, (-1, height * width))
    weights, positions = tf.math.top_k(flat, min(POSITIONS, height * width))
    places = [positions // width, positions % width]
    columns = [*(tf.cast(place, tf.float32) for place in places), weights]
    return {f"{name}_top": tf.stack(columns, axis=-1)}
