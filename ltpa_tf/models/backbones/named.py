"""Backbones by name, `"efficientnetv2b0"`, or from a `.keras` file."""

import contextlib
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.models.backbones import lite
from ltpa_tf.models.backbones.preprocessing import STD
from ltpa_tf.models.views import reapplied
from ltpa_tf.words import nearest, one_of

_WEIGHTS = '"imagenet", or the path of a .keras, .weights.h5 or .h5 file'


def list_backbones() -> list[str]:
    """The names of the networks of `keras.applications`, and `"efficientnetlite0"`.

    Example:
        >>> [name for name in models.list_backbones() if name.startswith("mobilenetv3")]
        ['mobilenetv3large', 'mobilenetv3small']
    """
    return sorted(_builders())


def check_backbone_name(backbone: str, weights: str = "") -> None:
    """Refuses a backbone, or weights, that can't be there.

    Args:
        backbone: As for `named_backbone`.
        weights: Likewise.

    Raises:
        SettingError: Naming the one that isn't there.

    Example:
        >>> models.check_backbone_name("mobilenetv3small")  # nothing to complain of
    """
    if _is_file(backbone):
        if not Path(backbone).is_file():
            raise SettingError("backbone", backbone, "a .keras file that is there")
    elif backbone.lower() not in _builders():
        names = list_backbones()
        raise SettingError(
            "backbone",
            backbone,
            f"{one_of(nearest(backbone.lower(), names) or names)}, or a .keras file",
        )
    if weights == "imagenet":
        if _is_file(backbone):
            raise SettingError(
                "backbone_weights", weights, f"nothing: {backbone} holds its weights"
            )
        if backbone.lower() == lite.NAME:
            lite.weights_file()
    elif weights and not Path(weights).is_file():
        raise SettingError("backbone_weights", weights, f"{_WEIGHTS} that is there")


def named_backbone(
    backbone: str, weights: str, image_shape: Sequence[int | None]
) -> keras.Model:
    """A network without its classifier, under Keras's dtype policy.

    Args:
        backbone: A name of `list_backbones()`, or a `.keras` file.
        weights: `""`: drawn anew, or the file's own; `"imagenet"`: those that Keras
            publishes, downloaded once, or of `efficientnetlite0` those of a package,
            see `efficientnet_lite0`; or a file with weights for it.
        image_shape: `(height, width, channels)`; a file's own shape stays.

    Raises:
        SettingError: If it, or its weights, can't be had.

    Example:
        >>> backbone = models.named_backbone("mobilenetv3small", "", (96, 96, 3))
        >>> backbone.output_shape
        (None, 3, 3, 576)
    """
    check_backbone_name(backbone, weights)
    if _is_file(backbone):
        model = _loaded(backbone, "backbone")
    else:
        model = _built(backbone.lower(), weights, (*image_shape[:2], 3))
    if weights and weights != "imagenet":
        _take(model, weights)
        if _is_published(weights):
            model = _divided_again(model)
    return model


def _builders() -> dict[str, Callable[..., keras.Model]]:
    found = vars(keras.applications).items()
    named = {n.lower(): f for n, f in found if n[0].isupper() and callable(f)}
    return {**named, lite.NAME: lite.efficientnet_lite0}


def _is_file(backbone: str) -> bool:
    return backbone.endswith(".keras")


def _built(name: str, weights: str, shape: tuple) -> keras.Model:
    published = "imagenet" if weights == "imagenet" else None
    try:
        with warnings.catch_warnings(), _channels_last():
            # That weights of another image size are taken: there are no others.
            warnings.filterwarnings("ignore", "`input_shape` is undefined")
            return _builders()[name](
                include_top=False, weights=published, input_shape=shape
            )
    except SettingError:
        raise
    except ValueError as error:
        raise SettingError(
            "image_shape", shape, f"what {name} can take ({_line(error)})"
        ) from None
    except Exception as error:  # Keras's own, which no class tells from others
        address = re.search(r"https?://\S+?(?=: |$)", str(error))
        if not address:
            raise
        raise SettingError(
            "backbone_weights",
            weights,
            f"a network that {address[0]} can be downloaded from, or the path of that "
            "file, brought here from another machine",
        ) from error


@contextlib.contextmanager
def _channels_last() -> Iterator[None]:
    """Whatever a user's keras.json says: `keras.applications` follow it."""
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_image_data_format(before)


def _loaded(file: str, setting: str) -> keras.Model:
    try:
        return keras.models.load_model(file, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SettingError(
            setting, file, f"a .keras file that Keras can load ({_line(error)})"
        ) from error


def _take(model: keras.Model, file: str) -> None:
    try:
        if _is_file(file):
            model.set_weights(_loaded(file, "backbone_weights").get_weights())
        else:
            model.load_weights(file)
    except SettingError:
        raise
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SettingError(
            "backbone_weights", file, f"weights of {model.name} ({_line(error)})"
        ) from error


def _is_published(file: str) -> bool:
    """Whether Keras publishes these weights of an EfficientNet under this name."""
    return re.fullmatch(r"efficientnetb[0-7](_notop)?\.h5", Path(file).name) is not None


def _divided_again(model: keras.Model) -> keras.Model:
    """With what `weights="imagenet"` alone puts behind an EfficientNet's first layers.

    Their variance is the deviation, so it is divided by the root of it twice (a comment
    in `keras.applications.efficientnet` says more).
    """
    divided = keras.layers.Rescaling([1 / math.sqrt(s) for s in STD], name="divided")

    def call(layer, *args, **kwargs):
        made = layer(*args, **kwargs)
        return divided(made) if isinstance(layer, keras.layers.Normalization) else made

    return reapplied(model, call)


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
