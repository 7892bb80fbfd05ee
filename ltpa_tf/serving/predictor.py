"""Ask a model in this process: a trained one, or an exported one."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.serving import versions
from ltpa_tf.serving.prediction import Prediction, from_outputs
from ltpa_tf.serving.sentences import sentence
from ltpa_tf.serving.signatures import Signatures


class Predictor:
    """Image files or arrays in, predictions with attention maps out.

    Made by `from_model` or `from_saved_model`; both run the same graph code.
    """

    def __init__(
        self,
        signatures: dict[str, Callable[[tf.Tensor], dict]],
        image_shape: tuple[int, int, int],
    ):
        self._signatures = signatures
        self._image_shape = image_shape

    @classmethod
    def from_model(cls, model: keras.Model, class_names: Sequence[str]) -> "Predictor":
        """Of a trained model in memory."""
        signatures = Signatures(model, class_names)
        functions = {
            name: tf.function(function, input_signature=[spec], autograph=False)
            for name, (function, spec) in signatures.functions().items()
        }
        return cls(functions, signatures.image_shape)

    @classmethod
    def from_saved_model(cls, directory: str | os.PathLike) -> "Predictor":
        """Of an export: a version's folder, or the folder of all versions (the latest).

        Raises:
            SettingError: If there is no export, or it is damaged or someone else's.
        """
        version = versions.latest_version(directory)
        try:
            loaded = tf.saved_model.load(str(version))
            needed = ("serving_default", "serving_bytes")
            specs = [_inputs(loaded.signatures[name]) for name in needed]
            functions = {name: _by_position(f) for name, f in loaded.signatures.items()}
            (images,) = specs[0].values()
        except Exception as error:  # TensorFlow's differ by what is damaged
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise SettingError(
                "--saved_model",
                str(version),
                f"a folder that export.py has written, whole and readable ({reason})",
            ) from error
        return cls(functions, tuple(images.shape[1:]))

    @property
    def has_maps(self) -> bool:
        """Whether the model has attention."""
        return "attention_maps" in self._signatures

    def predict(self, images: np.ndarray, *, maps: bool = True) -> list[Prediction]:
        """One prediction for each image of `[batch, H, W, 3]`, values 0 to 255.

        Raises:
            SettingError: If the images are something else.
        """
        name = "attention_maps" if maps and self.has_maps else "serving_default"
        return self._ask(name, tf.constant(checked(images, self._image_shape)))

    def predict_files(
        self, files: Iterable[str | os.PathLike], *, maps: bool = True, batch: int = 32
    ) -> list[Prediction]:
        """One prediction for each JPEG or PNG file.

        Raises:
            SettingError: If a file can't be read as an image; it names the file.
        """
        name = "attention_maps_bytes" if maps and self.has_maps else "serving_bytes"
        files = [Path(file) for file in files]
        predictions = []
        for start in range(0, len(files), batch):
            some = files[start : start + batch]
            encoded = [read(file) for file in some]
            try:
                predictions += self._ask(name, tf.constant(encoded))
            except tf.errors.InvalidArgumentError:
                # One of them is bad. Ask one by one to know which.
                for file, content in zip(some, encoded, strict=True):
                    predictions += self._ask_one(name, file, content)
        return predictions

    def _ask_one(self, name: str, file: Path, content: bytes) -> list[Prediction]:
        try:
            return self._ask(name, tf.constant([content]))
        except tf.errors.InvalidArgumentError as error:
            raise SettingError(
                str(file), "a file that can't be used", sentence(error.message)
            ) from None

    def _ask(self, name: str, batch: tf.Tensor) -> list[Prediction]:
        outputs = self._signatures[name](batch)
        return from_outputs({key: value.numpy() for key, value in outputs.items()})


def read(file: str | os.PathLike) -> bytes:
    """The file's content.

    Raises:
        SettingError: If it can't be read.
    """
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise SettingError(
            "--images", str(file), f"a readable file ({error.strerror})"
        ) from None


def checked(images: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """The images as uint8 `[batch, H, W, 3]`.

    Args:
        images: Of any type that holds integers 0 to 255.
        image_shape: `(H, W, 3)` that the model takes.

    Raises:
        SettingError: If a model would misread them: it would take 300 as 44.
    """
    images = np.asarray(images)
    accepted = f"integers 0 to 255 of shape [batch, {str(image_shape)[1:-1]}]"
    if images.ndim != 4 or images.shape[1:] != image_shape or not len(images):
        raise SettingError("images", f"shape {images.shape}", accepted)
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "iuf":
        raise SettingError("images", f"type {images.dtype}", accepted)
    whole = np.isfinite(images).all() and (images == np.round(images)).all()
    if not whole or images.min() < 0 or images.max() > 255:
        raise SettingError(
            "images", f"values from {images.min()} to {images.max()}", accepted
        )
    return images.astype(np.uint8)


def _inputs(signature: Callable) -> dict[str, tf.TensorSpec]:
    return signature.structured_input_signature[1]


def _by_position(signature: Callable) -> Callable[[tf.Tensor], dict]:
    (name,) = _inputs(signature)
    return lambda batch: signature(**{name: batch})
