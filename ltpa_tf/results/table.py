"""The page of results, made of the result files alone."""

import dataclasses
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

from ltpa_tf.results.campaign import Trial
from ltpa_tf.results.seed_trainer import mean_and_deviation


@dataclasses.dataclass(frozen=True)
class Difference:
    """A metric of one trial minus that of another, paired by seed.

    Attributes:
        mean: Over the seeds that both have, in the metric's own unit.
        low, high: The 95% interval of the mean by Student's t; None of one seed.
        seeds: How many pairs.
    """

    mean: float
    low: float | None
    high: float | None
    seeds: int

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and (self.low > 0 or self.high < 0)


def by_trial(results: Iterable[dict]) -> dict[str, dict[int, dict]]:
    """The results by trial and seed."""
    table: dict[str, dict[int, dict]] = {}
    for result in results:
        table.setdefault(result["trial"], {})[result["seed"]] = result
    return table


def paired(
    first: Mapping[int, float], second: Mapping[int, float]
) -> Difference | None:
    """`first - second` over the seeds that both have; None if there are none."""
    differences = [first[seed] - second[seed] for seed in sorted(first.keys() & second)]
    if not differences:
        return None
    mean, count = statistics.mean(differences), len(differences)
    if count == 1:
        return Difference(mean, None, None, 1)
    from scipy import stats

    reach = stats.t.ppf(0.975, count - 1) * (
        statistics.stdev(differences) / math.sqrt(count)
    )
    return Difference(mean, mean - reach, mean + reach, count)


def page(
    results: Sequence[dict],
    trials: Sequence[Trial],
    published: Mapping[tuple[str, str], Mapping[str, float]],
    questions: Sequence[tuple[str, str, str]],
) -> str:
    """The page, in Markdown.

    Args:
        results: As `read_results` gives them.
        trials: The lines of the tables, in their order; those without a result are
            left out.
        published: Error in percent by who reports it, for (data set, row).
        questions: `(question, trial, other trial)`: what the difference of two trials
            answers.
    """
    found = by_trial(results)
    lines = []
    for data in dict.fromkeys(trial.data for trial in trials):
        own = [t for t in trials if t.data == data and t.name in found]
        if own:
            lines += [f"## {_TITLES.get(data, data)}", ""]
            lines += [*_table(own, found, published), ""]
    answered = [
        f"| {question} | {_answer(found[one], found[other])} |"
        for question, one, other in questions
        if one in found and other in found
    ]
    if answered:
        lines += ["## Answers", "", *_ANSWERS, "", "| | |", "|---|---|", *answered, ""]
    return "\n".join(lines)


_TITLES = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "cifar100_few": "Ten classes of CIFAR-100, 50 training images each",
    "tinyimagenet": "Tiny ImageNet, 32x32",
    "translated_mnist_60": "Translated MNIST, 60x60",
    "cluttered_mnist_60": "Cluttered MNIST, 60x60",
    "cluttered_mnist_100": "Cluttered MNIST, 100x100",
}
_ANSWERS = (
    "Difference of the test error in points, paired by seed, with the 95% interval of",
    "the mean (Student's t). Where the interval holds 0 these seeds don't tell.",
)


@dataclasses.dataclass(frozen=True)
class _Column:
    """What only some results have; a column where one of the table's lines has it.

    Attributes:
        name: Its heading.
        of: The value of a result, or None.
        digits: Behind the point.
        drawn: Whether a seed changes it; else one value says all.
        in_all: Whether it is a column only where all of the table's lines have it.
    """

    name: str
    of: Callable[[dict], float | None]
    digits: int = 1
    drawn: bool = True
    in_all: bool = False

    def fits(self, lines: Iterable[Sequence[dict]]) -> bool:
        """Whether a table of these lines, each a trial's results, has the column."""
        known = (self.cell(runs) != "" for runs in lines)
        return all(known) if self.in_all else any(known)

    def cell(self, runs: Sequence[dict]) -> str:
        """The value over seeds; empty where there is none."""
        values = [self.of(run) for run in runs]
        if None in values:
            return ""
        return _spread(values if self.drawn else values[:1], self.digits)


def _millions(run: dict) -> float | None:
    return run["multiplications"] / 1e6 if "multiplications" in run else None


def _looks_on_object(run: dict) -> float | None:
    """Percent, of glimpses, or of the peaks of the best level's map."""
    if "glimpses" in run:
        return 100 * run["glimpses"]["on_object"]
    levels = [v for k, v in run.get("pointing", {}).items() if k != "chance"]
    return 100 * max(levels) if levels else None


def _error_of_views(run: dict) -> float | None:
    """Percent, with airbench's six views of each test image."""
    views = run.get("test_with_views")
    return 100 * (1 - views["top1"]) if views else None


def _top5_error(run: dict) -> float | None:
    """Percent; None of few classes."""
    return 100 * (1 - run["test"]["top5"]) if "top5" in run["test"] else None


_TOP5 = _Column("top-5 error, %", _top5_error, 2)
_EXTRA = (
    _Column("error of six views, %", _error_of_views, 2, in_all=True),
    _Column("million multiplications", _millions, drawn=False),
    _Column("looks on the object, %", _looks_on_object),
)


def _table(trials, found, published) -> list[str]:
    sources = list(
        dict.fromkeys(
            source
            for trial in trials
            for source in published.get((trial.data, trial.row), {})
        )
    )
    head = ["model", "error, %", *(f"{source}, %" for source in sources)]
    head += [_TOP5.name, "NLL", "ECE, %", "parameters", "seconds", "seeds"]
    runs_of = {
        t.name: [found[t.name][s] for s in sorted(found[t.name])] for t in trials
    }
    extra = [column for column in _EXTRA if column.fits(runs_of.values())]
    head += [column.name for column in extra]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for trial in trials:
        runs = runs_of[trial.name]
        known = published.get((trial.data, trial.row), {}) if _plain(trial) else {}
        cells = [
            trial.row + (f", {trial.variant}" if trial.variant else ""),
            _spread([100 * (1 - run["test"]["top1"]) for run in runs]),
            *(f"{known[s]:.2f}" if s in known else "" for s in sources),
            _TOP5.cell(runs),
            _spread([run["test"]["nll"] for run in runs], 3),
            _spread([100 * run["test"]["ece"] for run in runs]),
            f"{runs[0]['parameters'] / 1e6:.2f} M",
            f"{statistics.mean(run['seconds'] for run in runs):.0f}",
            str(len(runs)),
            *(column.cell(runs) for column in extra),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _plain(trial: Trial) -> bool:
    """Whether it is the published row, by whatever recipe."""
    return not any(key.startswith("model.") for key in trial.settings)


def _spread(values: Sequence[float], digits: int = 2) -> str:
    spread = mean_and_deviation(values)
    if len(values) == 1:
        return f"{spread['mean']:.{digits}f}"
    return f"{spread['mean']:.{digits}f} ± {spread['deviation']:.{digits}f}"


def _answer(first: dict[int, dict], second: dict[int, dict]) -> str:
    difference = paired(_errors(first), _errors(second))
    if difference is None:
        return "no seed in common"
    if difference.low is None:
        return f"{difference.mean:+.2f} (one seed)"
    return (
        f"{difference.mean:+.2f} ({difference.low:+.2f} to {difference.high:+.2f}), "
        f"{difference.seeds} seeds" + ("" if difference.sure else ": not told apart")
    )


def _errors(runs: dict[int, dict]) -> dict[int, float]:
    return {seed: 100 * (1 - run["test"]["top1"]) for seed, run in runs.items()}
