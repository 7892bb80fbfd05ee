"""The first weights of a run, of another model; and the pixels that they know."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
from ml_collections import ConfigDict

from ltpa_tf import data, models
from ltpa_tf.errors import SettingError
from ltpa_tf.model_file import read_model
from ltpa_tf.run import opened
from ltpa_tf.stores import is_remote
from ltpa_tf.training.model import Build

_INIT_FROM = "train.init_from"


def started(
    config: ConfigDict,
    source: data.Source,
    build: Build,
    say: Callable[[str], None] = print,
) -> tuple[data.Source, Build]:
    """What a run trains on and with, if it begins as `train.init_from` says.

    Args:
        config: The whole config.
        source: The data.
        build: Makes the model from config and source.
        say: Takes a line for the user.

    Returns:
        The data as the model normalizes it, see `train.keep_normalization`, and what
        makes the model with its first weights.

    Raises:
        SettingError: If there is nothing to begin with.
    """
    if not config.train.init_from:
        return source, build
    start = WarmStart(config.train.init_from)
    if config.train.keep_normalization:
        source = start.normalized(source, say)
    return source, start.warmed(build, say)


class WarmStart:
    """Another model, whose weights new ones begin with.

    Args:
        place: The folder of a finished run, whose final model is taken, a `.keras`
            file, or a preset's name or folder.

    Raises:
        SettingError: If there is no such model.
    """

    def __init__(self, place: str):
        self._place = place
        self._model, self._class_names = other_model(place, _INIT_FROM)

    def warmed(self, build: Build, say: Callable[[str], None]) -> Build:
        """`build`, with the other model's weights, see `give_weights`.

        Args:
            build: Makes the model from config and source of data.
            say: Takes a line for the user.
        """

        def warmed(config: ConfigDict, source: data.Source) -> keras.Model:
            model = build(config, source)
            new = self.give_weights(model, source.class_names)
            others = f"; new are those of {', '.join(new)}." if new else "."
            say(f"Starting from the weights of {self._place}{others}")
            return model

        return warmed

    def give_weights(
        self, model: keras.Model, class_names: Sequence[str] | None = None
    ) -> list[str]:
        """Gives a new model the weights, see `ltpa_tf.models.transfer_weights`.

        Where the classes are known to be others, the last layer with weights stays as
        it is, even if there are as many of them.

        Args:
            model: The new model.
            class_names: Its classes; None: unknown.

        Returns:
            The names of the layers that stayed as they were.

        Raises:
            SettingError: If the two have no layer in common.
        """
        leave = []
        names = self._class_names
        if None not in (names, class_names) and list(names) != list(class_names):
            leave = [layer.name for layer in model.layers if layer.weights][-1:]
        new = models.transfer_weights(model, self._model, leave)
        if new is None:
            raise SettingError(
                _INIT_FROM,
                self._place,
                "a model with layers of the same names and shapes",
            )
        return new

    def normalized(
        self, source: data.Source, say: Callable[[str], None]
    ) -> data.Source:
        """The data, its pixels normalized as the weights know them.

        Args:
            source: The new data. It stays as it is where the other model doesn't tell
                how it normalizes, or has another number of channels.
            say: Takes a line for the user.
        """
        known = models.normalization_of(self._model)
        if known in (None, (source.mean, source.std)):
            return source
        mean, std = known
        if len(mean) != len(source.mean):
            return source
        say(f"Pixels are normalized as {self._place} does it, not by this data's mean.")
        return dataclasses.replace(source, mean=mean, std=std)


def other_model(place: str, setting: str) -> tuple[keras.Model, list[str] | None]:
    """A trained model, and the names of its classes where they are known.

    Args:
        place: The folder of a finished run, whose final model is taken, a `.keras`
            file, or a preset's name or folder.
        setting: What it was given by.

    Raises:
        SettingError: If there is no such model.
    """
    path = Path(place)
    if models.is_preset(place):
        return models.from_preset(place), models.preset_metadata(place)["class_names"]
    if path.suffix == ".keras" and path.is_file():
        return read_model(path), None
    if path.is_dir() or is_remote(place):
        with opened(place) as folder:
            return folder.load_model(), folder.read_dataset()["class_names"]
    raise SettingError(
        setting,
        place,
        "the folder of a finished run, a .keras file, or a preset's name or folder",
    )
