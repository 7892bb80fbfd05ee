"""Measures a finished run on held-out examples.

python -m pipelines.evaluate --workdir=runs/mine

Writes WORKDIR/evaluation.json and WORKDIR/evaluation/*.png: accuracy, also by class,
confusion, calibration, and where boxes are known how often each attention map points
into them.
"""

from collections.abc import Sequence

from absl import flags

from ltpa_tf.programs import program

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_SPLIT = flags.DEFINE_enum(
    "split", "test", ["test", "validation"], "Which examples to measure on."
)
_WEIGHTS = flags.DEFINE_enum(
    "weights", "final", ["final", "best"], "Which weights of the run."
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Examples per step; changes no result.", lower_bound=1
)


def main(argv: Sequence[str]) -> None:
    """Evaluates the run, prints a table and the files' paths."""
    del argv
    from rich.progress import MofNCompleteColumn, Progress

    from ltpa_tf import evaluation
    from ltpa_tf.run import RunFolder

    run = RunFolder(_WORKDIR.value)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(f"{_SPLIT.value} examples", total=None)
        result = evaluation.evaluate_run(
            run,
            split=_SPLIT.value,
            weights=_WEIGHTS.value,
            batch_size=_BATCH_SIZE.value,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    _print_table(result)
    print(run.evaluation_file)
    print(run.path / "evaluation")


def _print_table(result: dict) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"{result['examples']:,} {result['split']} examples, "
        f"{result['weights']} weights",
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    table.add_row("top-1 accuracy", f"{result['top1']:.2%}")
    top = min(5, len(result["per_class"]))
    table.add_row(f"top-{top} accuracy", f"{result['top5']:.2%}")
    table.add_row("negative log-likelihood", f"{result['nll']:.4f}")
    table.add_row("expected calibration error", f"{result['ece']:.2%}")
    for name, rate in result.get("pointing", {}).items():
        table.add_row(f"pointing, {name.replace('_', ' ')}", f"{rate:.2%}")
    Console().print(table)


def cli() -> None:
    """Entry point of `ltpa-evaluate`."""
    flags.mark_flag_as_required("workdir")
    program.run(main)


if __name__ == "__main__":
    cli()
