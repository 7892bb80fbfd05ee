"""A run is a folder: where its files are, how they are written and read."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ltpa_tf import remote
from ltpa_tf.errors import SettingError
from ltpa_tf.files import check_object, make_folder, write_json
from ltpa_tf.model_file import read_model
from ltpa_tf.run_inputs import load_data
from ltpa_tf.stores import local
from ltpa_tf.words import one_of

if TYPE_CHECKING:
    import keras
    from ml_collections import ConfigDict

    from ltpa_tf import data
    from ltpa_tf.images import Preprocessing


class RunFolder:
    """The files of one training run (`--workdir`).

    Args:
        path: The folder.
        data_dir: Where the run's data is now, if it has moved since; see `data.dir`.
        name: What the user calls the folder, if not by its path; see `opened`.

    Attributes:
        path: The folder.
        data_dir, name: Likewise.
        config_file: The complete config the run was started with.
        dataset_file: What it was trained on: name, class names, image shape, mean and
            standard deviation that pixels are normalized by, fingerprint,
            preprocessing, skipped files, sizes.
        checkpoints: Folder of the training states to resume from.
        metrics_file: One line of JSON per epoch.
        events: Folder of TensorBoard events.
        summary_file: Written last; a run with a summary is complete.
        model_file: The final model, float32.
        best_file: The model that was best on the validation part, if there is one.
        evaluation_file: What `evaluate` wrote about the final weights on the test part;
            for the others see `evaluation`.
        tracking_file: By what name each experiment tracker knows the run.
        search_file: Of a search's folder, which is no run's.
    """

    def __init__(self, path: str | os.PathLike, data_dir: str = "", name: str = ""):
        self.path = local(path, "--workdir")
        self.data_dir = data_dir
        self.name = name or str(self.path)
        self.config_file = self.path / "config.json"
        self.dataset_file = self.path / "dataset.json"
        self.checkpoints = self.path / "checkpoints"
        self.metrics_file = self.path / "metrics.jsonl"
        self.events = self.path / "events"
        self.summary_file = self.path / "summary.json"
        self.model_file = self.path / "model.keras"
        self.best_file = self.path / "best.keras"
        self.evaluation_file = self.evaluation()
        self.tracking_file = self.path / "tracking.json"
        self.search_file = self.path / "search.json"

    def create(self) -> None:
        """Makes the folder and proves that it and those in it can be written to.

        Raises:
            SettingError: If one can't.
        """
        make_folder(self.path, "--workdir")
        for folder in (self.checkpoints, self.events):
            if self.exists(folder):
                make_folder(folder, "--workdir")

    def shown(self, file: Path) -> str:
        """What the user calls one of its files."""
        return f"{self.name}/{file.relative_to(self.path)}"

    def exists(self, file: Path) -> bool:
        """Whether this one of its files is there.

        Raises:
            SettingError: If that can't be known, by lack of permission for instance.
        """
        try:
            return file.exists()
        except OSError as error:
            raise self._unreadable(error) from None

    def read_config(self) -> "ConfigDict":
        """The run's config.

        Raises:
            SettingError: If the folder holds no run, or the file is damaged.
        """
        from ltpa_tf import config

        kinds = {"data": dict, "seed": int}
        return config.from_json(json.dumps(self.read(self.config_file, kinds)))

    def read_dataset(self) -> dict:
        """What the run was trained on, see `dataset_file`."""
        kinds = {"name": str, "class_names": list, "image_shape": list}
        return self.read(self.dataset_file, kinds)

    def preprocessing(self) -> "Preprocessing":
        """How image files become what the run's model takes."""
        from ltpa_tf.images import Preprocessing

        # Runs of earlier versions don't say: they had what is the default.
        return Preprocessing.of(self.read_dataset().get("preprocessing", {}))

    def write_dataset(self, source: "data.Source") -> None:
        """Writes `dataset_file`: what is trained on, and all that predicting needs."""
        splits = {"train": source.train, "validation": source.validation}
        splits["test"] = source.test
        write_json(
            self.dataset_file,
            {
                "name": source.name,
                "class_names": list(source.class_names),
                "image_shape": list(source.image_shape),
                "mean": list(source.mean),
                "std": list(source.std),
                "fingerprint": source.fingerprint,
                "preprocessing": source.preprocessing.to_dict(),
                "skipped": list(source.skipped),
                "softening": source.softening,
                "sizes": {name: len(split or ()) for name, split in splits.items()},
            },
        )

    def read_summary(self) -> dict:
        """The result of a complete run."""
        kinds = {"epochs": int, "seconds": float, "metrics": dict}
        return self.read(self.summary_file, kinds)

    def evaluation(
        self, weights: str = "final", split: str = "test", data: str = ""
    ) -> Path:
        """The file of one evaluation; its figures are in the folder of the same stem.

        Each choice of weights, part and data has a file of its own: `evaluation.json`,
        `evaluation-best.json`, `evaluation-best-validation.json`.

        Args:
            weights: `"final"` or `"best"`.
            split: Which part.
            data: A name for other data than the run's own.
        """
        other = (weights != "final" and weights, split != "test" and split, data)
        stem = "-".join(filter(None, ("evaluation", *other)))
        return self.path / f"{stem}.json"

    def evaluations(self) -> list[dict]:
        """All evaluations that are there: on the run's own parts, then on other data.

        Raises:
            SettingError: If a file is damaged.
        """
        kinds = {"weights": str, "split": str}
        found = [self.read(f, kinds) for f in self.path.glob("evaluation*.json")]
        return sorted(found, key=lambda one: (one.get("data", ""), one["split"]))

    def read(self, file: Path, kinds: Mapping[str, type] = {}) -> dict:
        """The JSON object in one of its files, see `check_object`.

        Raises:
            SettingError: If the file isn't there or is damaged.
        """
        try:
            return check_object(json.loads(file.read_text(encoding="utf-8")), kinds)
        except (FileNotFoundError, NotADirectoryError):
            raise SettingError(
                "--workdir", str(self.path), f"the folder of a run: no {file.name} here"
            ) from None
        except OSError as error:
            raise self._unreadable(error) from None
        except ValueError as error:
            raise SettingError(
                str(file), f"a file that can't be read ({error})", "what train.py wrote"
            ) from None

    def load_model(self, which: str = "final") -> "keras.Model":
        """The trained model, in float32.

        Args:
            which: `"final"`, or `"best"` for the one best on the validation part.

        Raises:
            SettingError: If the run isn't that far, or the file can't be read.
        """
        files = {"final": self.model_file, "best": self.best_file}
        if which not in files:
            raise SettingError("--weights", which, one_of(files))
        file = files[which]
        if not self.exists(file):
            self.read_config()  # of a run
            raise SettingError(
                "--workdir",
                str(self.path),
                f"a run that has written {file.name}; "
                + (
                    "this one has had no validation part"
                    if which == "best" and self.model_file.exists()
                    else "start train.py on it again to finish it"
                ),
            )
        return read_model(file)

    def load_model_for_use(self, which: str = "final") -> "keras.Model":
        """The trained model for images as the data has them, in float32.

        Where the test images were made softer for it (`data.match_sharpness`), it makes
        its images softer itself.

        Args:
            which: See `load_model`, which raises the same.
        """
        from ltpa_tf import models

        return models.softened(self.load_model(which), self.softening())

    def softening(self) -> float:
        """The share by which the test images were made softer, see `data.Source`."""
        return self.read_dataset().get("softening", 0.0)

    def load_source(self) -> "data.Source":
        """The data the run was trained on, loaded again as its config says.

        Raises:
            SettingError: If it can't be loaded or is no longer the same.
        """
        config = self.read_config()
        if self.data_dir:
            config.data.dir = self.data_dir
        try:
            source = load_data(config)
        except SettingError as error:
            if error.setting != "data.dir":
                raise
            raise SettingError(
                "--data_dir" if self.data_dir else error.setting,
                error.received,
                f"{error.accepted}; --data_dir says where the run's data is now",
            ) from None
        self.check_data(source)
        return source

    def check_data(self, source: "data.Source") -> None:
        """Makes sure that this is still the data the run was trained on.

        Raises:
            SettingError: If it isn't.
        """
        stored = self.read(self.dataset_file, {"fingerprint": str})
        if source.fingerprint != stored["fingerprint"]:
            raise SettingError(
                "data.name",
                source.name,
                f"the data that {self.path} was trained on; it has changed since",
            )

    def normalized(self, source: "data.Source") -> "data.Source":
        """The data with the mean and standard deviation that the run began with."""
        stored = self.read(self.dataset_file, {"mean": list, "std": list})
        mean, std = tuple(stored["mean"]), tuple(stored["std"])
        return dataclasses.replace(source, mean=mean, std=std)

    def load_split(self, which: str = "test") -> "data.Split":
        """The held-out part of `load_source` to measure and explain the model on.

        Args:
            which: `"test"` or `"validation"`.

        Raises:
            SettingError: If there is no such part.
        """
        source = self.load_source()
        parts = {"test": source.test, "validation": source.validation}
        available = [name for name, part in parts.items() if part is not None]
        if which not in available:
            raise SettingError(
                "--split", which, one_of(available) or "nothing: no held-out part"
            )
        return parts[which]

    def _unreadable(self, error: OSError) -> SettingError:
        return SettingError(
            "--workdir", str(self.path), f"a folder that can be read ({error.strerror})"
        )


@contextlib.contextmanager
def opened(path: str | os.PathLike, data_dir: str = "") -> Iterator[RunFolder]:
    """A run's folder, here or in a store; what is added to it is uploaded at the end.

    Raises:
        SettingError: If the store can't be reached.
        CheckpointError: If it can't be written to.
    """
    with remote.opened(path, "--workdir") as place:
        yield RunFolder(place.path, data_dir, place.name)
        place.upload()
