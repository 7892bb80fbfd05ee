"""A finished run, or a preset, exported."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ltpa_tf import models
from ltpa_tf.data import Source, Split
from ltpa_tf.errors import SettingError
from ltpa_tf.files import write_json
from ltpa_tf.images import Preprocessing
from ltpa_tf.run import RunFolder
from ltpa_tf.serving import litert_file, onnx_file
from ltpa_tf.serving import triton as triton_repository
from ltpa_tf.serving.card import facts_of
from ltpa_tf.serving.convert import Ask
from ltpa_tf.serving.extras import need
from ltpa_tf.serving.saved_model import export
from ltpa_tf.serving.signatures import Signatures
from ltpa_tf.stores import local

_SAMPLES = 8
_CALIBRATION = 64
_EXAMPLES = 2000
_SUFFIXES = {"litert": "tflite", "onnx": "onnx"}
# What the extra of the form's name brings.
_RUNTIMES = {"litert": "ai_edge_litert.interpreter", "onnx": "onnxruntime"}


def export_run(
    run: RunFolder,
    directory: str | os.PathLike,
    *,
    weights: str = "final",
    version: int | None = None,
    stable: bool = False,
    keep: int = 0,
    compact: Sequence[str] = (),
) -> Path:
    """Exports a run's model, with a card of what the run knows and sample images.

    Where the run's data is, also with what the model answers to 2,000 of its test
    images at most, for `find_drift`.

    Args:
        run: A finished run.
        directory: Folder of the model's versions.
        weights: `"final"` or `"best"`.
        version: See `export`.
        stable: See `export`.
        keep: See `export`.
        compact: See `export`.

    Returns:
        The folder of the new version.

    Raises:
        SettingError: If there is no such run or model, or as `export` does.

    Example:
        >>> run = run.RunFolder("runs/mine")
        >>> serving.export_run(run, "saved_models/of_run").name
        '1'
    """
    model = run.load_model_for_use(weights)
    held_out = _held_out_of(run)
    return export(
        model,
        directory,
        class_names=run.read_dataset()["class_names"],
        preprocessing=run.preprocessing(),
        version=version,
        facts=facts_of(run, weights),
        samples=_samples(run, held_out),
        reference=_batches(held_out),
        stable=stable,
        keep=keep,
        compact=compact,
    )


def export_preset(
    preset: str | os.PathLike, directory: str | os.PathLike, **settings
) -> Path:
    """Exports a preset's model.

    Args:
        preset: Its name or folder, see `ltpa_tf.models.from_preset`.
        directory: Folder of the model's versions.
        **settings: `version`, `stable`, `keep` and `compact` of `export`.

    Returns:
        The folder of the new version.

    Raises:
        SettingError: If there is no such preset, or as `export` does.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", num_classes=2, width=0.125)
        >>> preset = models.save_preset(model, "presets/served", ["cat", "dog"])
        >>> serving.export_preset(preset, "saved_models/of_preset").name
        '1'
    """
    metadata = models.preset_metadata(preset)
    return export(
        models.from_preset(preset),
        directory,
        class_names=metadata["class_names"],
        preprocessing=Preprocessing.of(metadata.get("preprocessing", {})),
        facts={"preset": {"name": str(preset), **metadata}},
        **settings,
    )


def preset_of_run(
    run: RunFolder,
    directory: str | os.PathLike,
    weights: str = "final",
    storage: str = "float16",
) -> Path:
    """Writes a run's model as a preset.

    Args:
        run: A finished run.
        directory: A new or empty folder.
        weights: `"final"` or `"best"`.
        storage: As `save_preset` takes it.

    Returns:
        The folder.

    Raises:
        SettingError: If there is no such run or model, or as `save_preset` does.

    Example:
        >>> run = run.RunFolder("runs/mine")
        >>> preset = serving.preset_of_run(run, "presets/digits")
        >>> models.from_preset(preset).output_shape
        (None, 10)
    """
    measured = {
        f"{name} ({one['split']} part of {one.get('data') or 'its own data'})": value
        for one in run.evaluations()
        if one["weights"] == weights
        for name, value in _measured(one)
    }
    return models.save_preset(
        run.load_model(weights),
        directory,
        run.read_dataset()["class_names"],
        measured,
        run.preprocessing().to_dict(),
        storage,
        run.softening(),
    )


def _measured(evaluation: Mapping) -> Iterator[tuple[str, float]]:
    """What a preset's card tells: accuracy, calibration, and where its maps point."""
    for name in ("examples", "top1", "top5", "nll", "ece"):
        if name in evaluation:
            yield name, round(evaluation[name], 4)
    for level, share in evaluation.get("pointing", {}).items():
        yield f"pointing, {level}", round(share, 4)
    for maps in evaluation.get("maps", {}).get("methods", {}).values():
        for name, measures in maps.items():
            if "pointing_small" in measures:
                share, *_ = measures["pointing_small"]
                yield f"pointing into small boxes, {name}", round(share, 4)


def convert_run(
    run: RunFolder,
    directory: str | os.PathLike,
    *,
    form: str,
    quantize: str = "none",
    weights: str = "final",
    triton: bool = False,
    version: int | None = None,
    keep: int = 0,
    compact: Sequence[str] = (),
) -> tuple[Path, dict]:
    """Writes a run's model as a LiteRT or ONNX file, and what that cost.

    Args:
        run: A finished run whose data is here.
        directory: Where to; its name is the file's.
        form: `"litert"` or `"onnx"`.
        quantize: For LiteRT: `"none"`, `"float16"` or `"int8"`.
        weights: `"final"` or `"best"`.
        triton: Whether to write a model repository of Triton's, with the ONNX file as
            a version, see `triton.export`.
        version: With `triton`, see there.
        keep: With `triton`, see there.
        compact: For ONNX, see `export`: further outputs.

    Returns:
        The file, and a report that is written beside it: the largest difference of any
        output from Keras, and the accuracy of both on up to 2,000 held-out images.

    Raises:
        SettingError: If there is no such run or data, the file exists, or an extra is
            missing.
        ConversionError: If a file doesn't compute what Keras does.

    Example:
        >>> run = run.RunFolder("runs/mine")
        >>> file, cost = serving.convert_run(run, "converted", form="onnx")
        >>> file.name
        'converted.onnx'
        >>> file, cost = serving.convert_run(
        ...     run, "repository/digits", form="onnx", triton=True
        ... )
        >>> file.parent.name, sorted(one.name for one in file.parents[1].iterdir())
        ('1', ['1', 'config.pbtxt', 'labels.txt'])
    """
    if form == "onnx" and quantize != "none":
        raise SettingError("--quantize", quantize, "none, for ONNX")
    if triton and form != "onnx":
        raise SettingError("--triton", triton, "it with --format=onnx alone")
    need(_RUNTIMES[form], form)  # before the work
    directory = local(directory, "--export_dir")
    suffix = "" if quantize == "none" else f".{quantize}"
    file = directory / f"{directory.resolve().name}{suffix}.{_SUFFIXES[form]}"
    names = run.read_dataset()["class_names"]
    if compact and form != "onnx":
        raise SettingError("--compact", ",".join(compact), "nothing, for LiteRT")
    model, chosen = run.load_model_for_use(weights), run.preprocessing()
    signatures = Signatures(model, names, chosen, compact)
    source = run.load_source()
    seen = source.train.images(source.train.spread(_CALIBRATION), np.int64(0))
    seen = np.asarray(seen)
    if triton:
        file, ask, difference = triton_repository.export(
            signatures, directory, seen, version=version, keep=keep
        )
    elif form == "onnx":
        ask, difference = onnx_file.to_onnx(signatures, file, seen)
    else:
        ask, difference = litert_file.to_litert(signatures, file, seen, quantize)
    report = {
        "format": form,
        "quantize": quantize,
        "bytes": file.stat().st_size,
        "largest_difference": difference,
        **_accuracies(signatures, ask, _held_out(source)),
    }
    write_json(file.with_name(f"{file.name}.json"), report)
    return file, report


def _accuracies(signatures: Signatures, ask: Ask, split) -> dict:
    """Right answers of Keras and of a converted model, on the same images."""
    if split is None:
        return {}
    right = {"accuracy_keras": 0, "accuracy": 0}
    chosen = split.spread(_EXAMPLES)
    for start in range(0, len(chosen), 100):
        indices = chosen[start : start + 100]
        images = np.asarray(split.images(indices, np.int64(0)))
        for name, outputs in (
            ("accuracy_keras", signatures.serving_default(images)),
            ("accuracy", ask(images)),
        ):
            answers = np.argmax(outputs["probabilities"], -1)
            right[name] += int((answers == split.labels[indices]).sum())
    shares = {name: count / len(chosen) for name, count in right.items()}
    return {"examples": len(chosen), **shares}


def _held_out_of(run: RunFolder) -> Split | None:
    """`_held_out`; None if the data isn't here."""
    try:
        return _held_out(run.load_source())
    except SettingError as error:
        logging.warning("no sample images or reference are exported: %s", error)
        return None


def _held_out(source: Source) -> Split | None:
    """The test part as the data has it, else the validation part."""
    return source.sharp_test or source.test or source.validation


def _samples(run: RunFolder, split: Split | None) -> dict[str, np.ndarray]:
    """Images of the first classes, by name."""
    if split is None:
        return {}
    _, first = np.unique(split.labels, return_index=True)
    chosen = first[np.linspace(0, len(first) - 1, _SAMPLES, dtype=int)]
    chosen = list(dict.fromkeys(chosen.tolist()))
    images = np.asarray(split.images(np.array(chosen, np.int64), np.int64(0)))
    class_names = run.read_dataset()["class_names"]
    names = [class_names[split.labels[index]] for index in chosen]
    return dict(zip(names, images, strict=True))


def _batches(split: Split | None) -> Iterator[np.ndarray]:
    """Images of the reference, if there are any."""
    chosen = () if split is None else split.spread(_EXAMPLES)
    for start in range(0, len(chosen), 100):
        yield np.asarray(split.images(chosen[start : start + 100], np.int64(0)))
