"""Whether a served model still answers, and looks, as it did on its test images."""

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy import stats

from ltpa_tf.errors import SettingError
from ltpa_tf.serving import answer_log, versions, warmup
from ltpa_tf.serving.check_version import CLASS_NAMES_FILE
from ltpa_tf.serving.predictor import Predictor
from ltpa_tf.serving.saved_model import REFERENCE_FILE

EFFECT = 0.1
"""The least share of predictions that lie elsewhere: total variation of the class mix,
Kolmogorov and Smirnov's statistic of the others."""

MIN_DISTANCE = 0.01
"""How far values, 0 to 1, have moved at least (Wasserstein): where all are nearly the
same, rounding alone changes their order."""

MIN_EXAMPLES = 30
_ALPHA = 0.001  # of all measures together


@dataclasses.dataclass(frozen=True)
class Shift:
    """One measure, then and now.

    Attributes:
        measure: Such as `"class mix"`, `"confidence"` or `"level 7: entropy"`.
        before: On the test images: the mean, or each class's share.
        now: The same in the requests.
        effect: See `EFFECT`.
        p: How probable such an effect were without any change: by a chi-square test of
            the two counts, or Kolmogorov and Smirnov's. Requests that resemble each
            other, such as frames of a film, make it too small.
        shifted: Whether the effect is both large and significant.
    """

    measure: str
    before: float | dict[str, float]
    now: float | dict[str, float]
    effect: float
    p: float
    shifted: bool


def find_drift(
    model_dir: str | os.PathLike,
    requests: Sequence[str | os.PathLike],
    *,
    effect: float = EFFECT,
) -> list[Shift]:
    """Compares answers to requests with those to the test images of an export.

    Args:
        model_dir: An export: a version's folder, or that of all (the latest).
        requests: Files: JSON lines of `Client(log=FILE)`, or TensorFlow Serving's logs,
            TFRecords of `PredictionLog`, whose requests the export is asked again.
        effect: The least effect of a shift.

    Returns:
        The class mix, the confidence, and for each level `answer_log.MAP_MEASURES`.

    Raises:
        SettingError: If the export has no reference, or a file can't be used.

    Example:
        >>> noise = "saved_models/mine/1/assets.extra/tf_serving_warmup_requests"
        >>> any(one.shifted for one in serving.find_drift("saved_models/mine", [noise]))
        True
    """
    if not 0 < effect <= 1:
        raise SettingError("--effect", effect, "above 0, at most 1")
    version = versions.latest_version(model_dir)
    before = _reference(version)
    now = [one for file in requests for one in _answers(version, Path(file), before)]
    if len(now) < MIN_EXAMPLES:
        raise SettingError(
            "--requests",
            f"{len(now)} predictions",
            f"{MIN_EXAMPLES} at least: fewer can't show a shift",
        )
    found = [_class_mix(before, now), _values("confidence", before, now)]
    for level in before[0]["levels"]:
        then, later = (
            [one["levels"][level] for one in some if one["levels"]]
            for some in (before, now)
        )
        if later:  # none of them may have asked for maps
            found += [
                _values(f"level {level}: {said}", then, later, name)
                for name, said in answer_log.MAP_MEASURES.items()
            ]
    return [_judged(one, distance, effect, len(found)) for one, distance in found]


def _reference(version: Path) -> list[dict]:
    file = version / REFERENCE_FILE
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(found, list) or not found:
            raise ValueError("no list of answers")
        return [answer_log.checked(one) for one in found]
    except FileNotFoundError:
        raise SettingError(
            "--model_dir",
            str(version),
            f"an export with {REFERENCE_FILE}: export the run again with "
            "pipelines.export --workdir, where its data is",
        ) from None
    except (OSError, ValueError) as error:
        raise SettingError(
            str(file), f"a file that can't be read ({error})", "what export.py wrote"
        ) from None


def _answers(version: Path, file: Path, reference: Sequence[dict]) -> Iterator[dict]:
    """What a file holds, as lines of `answer_log`."""
    try:
        with file.open("rb") as stream:
            start = stream.read(8)
    except OSError as error:
        raise SettingError(
            "--requests", str(file), f"a file that can be read ({error.strerror})"
        ) from None
    # The length of a record, in 8 bytes, of which the upper ones are 0.
    if b"\0" in start:
        yield from _asked_again(version, file)
        return
    names = json.loads((version / CLASS_NAMES_FILE).read_text(encoding="utf-8"))
    levels = list(reference[0]["levels"])
    for number, one in enumerate(answer_log.read(file), 1):
        for kind, known, good in (
            (f"class {one['class']!r}", names, one["class"] in names),
            (f"levels {[*one['levels']]}", levels, [*one["levels"]] in (levels, [])),
        ):
            if not good:
                raise SettingError(
                    "--requests",
                    f"{file}, line {number}: {kind}",
                    f"answers of the model in {version}, which has {known!r:.200}",
                )
        yield one


def _asked_again(version: Path, file: Path) -> Iterator[dict]:
    """The export's answers to a server's log, in this process."""
    predictor = Predictor.from_saved_model(version)
    number = 0
    ask = {"images": predictor.predict, "encoded": predictor.predict_bytes}
    try:
        for number, request in enumerate(warmup.read_log(file)):  # noqa: B007 (told)
            if len(request.inputs) != 1 or not set(request.inputs) <= set(ask):
                raise ValueError(f"inputs {sorted(request.inputs)}, of another model")
            ((name, tensor),) = request.inputs.items()
            for answer in ask[name](tf.make_ndarray(tensor)):
                yield answer_log.summary(answer)
    except (ValueError, TypeError, tf.errors.OpError) as error:
        said = str(error).partition("\n")[0]
        raise SettingError(
            "--requests",
            f"{file}, record {number}",
            f"a log of requests to the model in {version} ({said})",
        ) from error


def _class_mix(before: Sequence[dict], now: Sequence[dict]) -> tuple[Shift, float]:
    names = sorted({one["class"] for one in (*before, *now)})
    answers = [[one["class"] for one in some] for some in (before, now)]
    counts = np.array([[some.count(name) for name in names] for some in answers])
    shares = counts / counts.sum(1, keepdims=True)
    effect = float(np.abs(shares[0] - shares[1]).sum() / 2)
    p = float(stats.chi2_contingency(counts).pvalue) if len(names) > 1 else 1.0
    then, later = (dict(zip(names, one.tolist(), strict=True)) for one in shares)
    return Shift("class mix", then, later, effect, p, False), effect


def _values(
    measure: str, before: Sequence[dict], now: Sequence[dict], key="probability"
) -> tuple[Shift, float]:
    then, later = (np.array([one[key] for one in some]) for some in (before, now))
    found = stats.ks_2samp(then, later, method="asymp")
    means = float(then.mean()), float(later.mean())
    shift = Shift(measure, *means, float(found.statistic), float(found.pvalue), False)
    return shift, float(stats.wasserstein_distance(then, later))


def _judged(shift: Shift, distance: float, effect: float, measures: int) -> Shift:
    large = shift.effect >= effect and distance >= MIN_DISTANCE
    return dataclasses.replace(shift, shifted=large and shift.p < _ALPHA / measures)
