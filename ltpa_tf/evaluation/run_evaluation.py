"""A finished run, evaluated into its folder."""

import contextlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from ltpa_tf import data
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation.evaluate import evaluate
from ltpa_tf.evaluation.figures import save_figures
from ltpa_tf.evaluation.global_feature import check as check_swap
from ltpa_tf.evaluation.global_feature import swap_global
from ltpa_tf.evaluation.map_measures import MEASURES, measure_maps
from ltpa_tf.evaluation.map_measures import check as check_maps
from ltpa_tf.evaluation.robustness import check as check_attack
from ltpa_tf.evaluation.robustness import robustness
from ltpa_tf.evaluation.transfer import check as check_transfer
from ltpa_tf.evaluation.transfer import transfer as transfer_to
from ltpa_tf.explain.figure import attention_figure
from ltpa_tf.files import write_json
from ltpa_tf.lock import only_one
from ltpa_tf.run import RunFolder


def evaluate_run(
    run: RunFolder,
    *,
    split: str = "test",
    weights: str = "final",
    labelled_dir: str = "",
    skip_damaged: bool = False,
    batch_size: int = 256,
    maps: Sequence[str] = (),
    map_measures: Sequence[str] = MEASURES,
    map_examples: int | None = None,
    swap: bool = False,
    attack: bool = False,
    transfer: str = "",
    progress: Callable[[int, int], object] | None = None,
    maps_progress: Callable[[str], object] = lambda name: None,
) -> dict:
    """Evaluates a run's model, and writes the numbers and figures into its folder.

    Each choice of weights, part and data has files of its own, see
    `RunFolder.evaluation`.

    Args:
        run: A finished run.
        split: `"test"` or `"validation"`.
        weights: `"final"` or `"best"`.
        labelled_dir: A folder of other images, with a subfolder for each class or for
            some of them; "" for the run's own data. Of a divided folder `split` says
            which part is taken.
        skip_damaged: Whether to go on without the files of that folder that can't be
            used.
        batch_size: Examples per step.
        maps: Methods whose maps are measured too, see `explain.methods.NAMES`. The file
            is written after each; what it has of the same images isn't measured again.
        map_measures: What is measured of them, see `map_measures.MEASURES`.
        map_examples: How many images they are measured on; None for 500, or all where
            there are fewer.
        swap: Whether it is measured, on as many images, what the global feature does to
            the maps, see `global_feature.swap_global`.
        attack: Whether predictions and maps are measured on attacked and corrupted
            images, as many, see `robustness.robustness`.
        transfer: Another data set, `NAME` or `NAME:DIR` as `data.load` takes them, that
            a linear classifier on the model's features is trained and measured on, see
            `transfer.transfer`.
        progress: Called after each batch with the number of examples done so far, and
            of all.
        maps_progress: Called with each method's name, and that of each other thing that
            takes long, before it is measured.

    Returns:
        What was written to `result["file"]`: `split`, `weights`, with a `labelled_dir`
        also `data`, `data_dir`, `fingerprint` and the files `skipped`, what
        `evaluation.evaluate` returns, and, now or in an earlier call, as `maps` what
        `map_measures.measure_maps` does, as `global_feature` what `swap_global`, as
        `robustness` what `robustness` and as `transfer`, data set by data set, what
        `transfer` does.

    Raises:
        SettingError: If there is no such run, model, data, split or method, or another
            process is writing the same file.

    Example:
        >>> run = run.RunFolder("runs/mine")
        >>> result = evaluation.evaluate_run(run)
        >>> result["file"], 0 <= result["top1"] <= 1
        ('evaluation.json', True)
    """
    dataset = run.read_dataset()
    class_names = tuple(dataset["class_names"])
    model = run.load_model(weights)
    about = {"split": split, "weights": weights}
    if labelled_dir:
        size = tuple(dataset["image_shape"][:2])
        examples, digest, skipped = data.labelled_folder(
            labelled_dir,
            class_names,
            size,
            split,
            run.preprocessing(),
            skip_damaged=skip_damaged,
        )
        about["data"] = f"{_plain(Path(labelled_dir))}-{digest[:8]}"
        about["data_dir"], about["fingerprint"] = labelled_dir, digest
        about["skipped"] = list(skipped)
    else:
        examples = run.load_split(split)
    if map_examples is None:
        map_examples = min(500, len(examples))
    if maps:
        check_maps(model, examples, maps, map_measures, map_examples)
    if swap:
        check_swap(model, examples, map_examples)
    if attack:
        check_attack(model, examples, map_examples)
    elsewhere = _load_other(run, transfer) if transfer else None
    if elsewhere is not None:
        check_transfer(model, elsewhere)
    done = 0

    def count(batch: int) -> None:
        nonlocal done
        done += batch
        if progress is not None:
            progress(done, len(examples))

    file = run.evaluation(weights, split, about.get("data", ""))
    # Two at once would each write the file without what the other has measured.
    accepted = f"a run of which no other process is writing {file.name}"
    with only_one(run.path, file.stem, accepted):
        result = evaluate(
            model, examples, class_names, batch_size=batch_size, progress=count
        )
        result = {**about, "file": file.name, **result}
        _make_way(run, file)
        known = _earlier(run, file)
        result |= known
        save_figures(result, file.with_suffix(""))
        _draw_mistakes(model, examples, result, file.with_suffix("") / "mistakes.png")

        def save(**measured: dict) -> None:
            result.update(measured)
            write_json(file, result)

        save()
        if swap:
            maps_progress("global features")
            save(global_feature=swap_global(model, examples, examples=map_examples))
        if attack:
            save(
                robustness=robustness(
                    model, examples, examples=map_examples, progress=maps_progress
                )
            )
        if elsewhere is not None:
            maps_progress(f"features of {elsewhere.name}")
            key = f"{elsewhere.name}-{elsewhere.fingerprint[:8]}"
            measured = transfer_to(model, elsewhere)
            save(transfer=known.get("transfer", {}) | {key: measured})
        if maps:
            measure_maps(
                model,
                examples,
                maps,
                measures=map_measures,
                examples=map_examples,
                known=known.get("maps"),
                save=lambda measured: save(maps=measured),
                progress=maps_progress,
            )
    return result


def _earlier(run: RunFolder, file: Path) -> dict:
    """What an earlier evaluation of the same has measured, and this one may not."""
    with contextlib.suppress(SettingError):
        earlier = run.read(file, {})
        kept = ("maps", "global_feature", "robustness", "transfer")
        return {k: earlier[k] for k in kept if k in earlier}
    return {}


def _load_other(run: RunFolder, named: str) -> data.Source:
    """The data set `NAME` or `NAME:DIR`, its images treated as the run's own."""
    height, width, _ = run.read_dataset()["image_shape"]
    if height != width:
        raise SettingError("--transfer", named, "a run of square images")
    name, _, folder = named.partition(":")
    treated = run.preprocessing()
    return data.load(
        name,
        dir=folder,
        image_size=height,
        aspect=treated.aspect,
        background=treated.background,
        window=treated.window,
    )


def _draw_mistakes(
    model: keras.Model, examples: data.Split, result: dict, file: Path
) -> None:
    """The worst mistakes with their maps, for models that have maps."""
    file.unlink(missing_ok=True)  # of an earlier evaluation, which had some
    indices = np.array([one["index"] for one in result["mistakes"]], np.int64)
    if not len(indices):
        return
    with contextlib.suppress(SettingError):  # a model without maps
        attention_figure(
            model,
            np.asarray(examples.images(indices, np.int64(0))),
            examples.labels[indices],
            tuple(result["per_class"]),
            path=file,
            boxes=None if examples.boxes is None else examples.boxes[indices],
            names=[f"{result['split']} {index}" for index in indices],
        )


def _plain(folder: Path) -> str:
    """A folder's name as part of a file's."""
    return re.sub(r"[^\w.-]+", "_", folder.resolve().name)[:40]


def _make_way(run: RunFolder, file: Path) -> None:
    """Earlier versions had one file for every choice: it gets the name of its own."""
    with contextlib.suppress(SettingError):
        earlier = run.read(file, {"weights": str, "split": str})
        own = run.evaluation(
            earlier["weights"], earlier["split"], earlier.get("data", "")
        )
        if own != file and not own.exists():
            file.rename(own)
