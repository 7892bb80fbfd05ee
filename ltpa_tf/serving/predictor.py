"""Ask a model in this process: a trained one, or an exported one."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.images import DEFAULT, Preprocessing, files
from ltpa_tf.images.grey import grey
from ltpa_tf.serving import versions
from ltpa_tf.serving.pixels import checked
from ltpa_tf.serving.prediction import Prediction, from_outputs
from ltpa_tf.serving.saved_model import read_preprocessing
from ltpa_tf.serving.sentences import sentence
from ltpa_tf.serving.signatures import Signatures


class Predictor:
    """Image files or arrays in, predictions with attention maps out.

    Made by `from_model` or `from_saved_model`; both run the same graph code.

    Example:
        >>> predictor = serving.Predictor.from_saved_model("saved_models/mine")
        >>> (answer,) = predictor.predict_files(["photos/cat/0.png"])
        >>> answer.name in "0123456789", answer.maps[7].shape
        (True, (8, 8))
    """

    def __init__(
        self,
        signatures: dict[str, Callable[[tf.Tensor], dict]],
        image_shape: tuple[int, int, int],
        preprocessing: Preprocessing = DEFAULT,
    ):
        self._signatures = signatures
        self._preprocessing = preprocessing
        self._image_shape = image_shape

    @classmethod
    def from_model(
        cls,
        model: keras.Model,
        class_names: Sequence[str],
        preprocessing: Preprocessing = DEFAULT,
    ) -> "Predictor":
        """Of a trained model in memory, and the preprocessing it was trained with."""
        signatures = Signatures(model, class_names, preprocessing)
        functions = {
            name: tf.function(function, input_signature=[spec], autograph=False)
            for name, (function, spec) in signatures.functions().items()
        }
        return cls(functions, signatures.image_shape, preprocessing)

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
            preprocessing = read_preprocessing(version)
        except Exception as error:  # TensorFlow's differ by what is damaged
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise SettingError(
                "--saved_model",
                str(version),
                f"a folder that export.py has written, whole and readable ({reason})",
            ) from error
        return cls(functions, tuple(images.shape[1:]), preprocessing)

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

    def predict_bytes(
        self, encoded: Sequence[bytes], *, maps: bool = True
    ) -> list[Prediction]:
        """One prediction for each JPEG or PNG file's content, as a server answers it.

        Raises:
            SettingError: If one can't be decoded.
        """
        name = "attention_maps_bytes" if maps and self.has_maps else "serving_bytes"
        try:
            return self._ask(name, tf.constant(list(encoded), tf.string))
        except tf.errors.InvalidArgumentError as error:
            raise SettingError(
                "encoded",
                f"{len(encoded)} files",
                f"JPEG, PNG ({sentence(error.message)})",
            ) from None

    def predict_files(
        self,
        paths: Iterable[str | os.PathLike],
        *,
        maps: bool = True,
        batch: int = 32,
        errors: list[SettingError] | None = None,
    ) -> list[Prediction | None]:
        """One prediction for each image file, of any kind that can be trained on.

        Files are decoded as in training, so their size has no limit.

        Args:
            paths: The files.
            maps: Whether to ask for maps, where there are any.
            batch: How many images are computed at once.
            errors: Gets the error of each file that can't be used, whose prediction is
                then None.

        Raises:
            SettingError: Without `errors`, naming all files that can't be used.
        """
        results = []
        paths = [Path(path) for path in paths]
        size = self._image_shape[:2]
        for start in range(0, len(paths), batch):
            some = paths[start : start + batch]
            images = files.read_images(some, size, self._preprocessing)
            good = [one for one in images if not isinstance(one, SettingError)]
            if good and self._image_shape[-1] == 1:
                good = grey(np.stack(good)).numpy()
            found = self.predict(np.stack(good), maps=maps) if len(good) else ()
            answers = iter(found)
            results += [
                one if isinstance(one, SettingError) else self._placed(next(answers))
                for one in images
            ]
        return files.set_aside(results, errors)

    def _placed(self, prediction: Prediction) -> Prediction:
        return dataclasses.replace(prediction, preprocessing=self._preprocessing)

    def _ask(self, name: str, batch: tf.Tensor) -> list[Prediction]:
        outputs = self._signatures[name](batch)
        return from_outputs({key: value.numpy() for key, value in outputs.items()})


def _inputs(signature: Callable) -> dict[str, tf.TensorSpec]:
    return signature.structured_input_signature[1]


def _by_position(signature: Callable) -> Callable[[tf.Tensor], dict]:
    (name,) = _inputs(signature)
    return lambda batch: signature(**{name: batch})
