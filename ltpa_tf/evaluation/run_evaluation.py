"""A finished run, evaluated into its folder."""

from collections.abc import Callable

from ltpa_tf.evaluation.evaluate import evaluate
from ltpa_tf.evaluation.figures import save_figures
from ltpa_tf.run import RunFolder, write_json


def evaluate_run(
    run: RunFolder,
    *,
    split: str = "test",
    weights: str = "final",
    batch_size: int = 256,
    progress: Callable[[int, int], object] | None = None,
) -> dict:
    """Evaluates a run's model; writes `evaluation.json` and `evaluation/*.png`.

    Args:
        run: A finished run.
        split: `"test"` or `"validation"`.
        weights: `"final"` or `"best"`.
        batch_size: Examples per step.
        progress: Called after each batch with the number of examples done so far, and
            of all.

    Returns:
        The content of `evaluation.json`: `split`, `weights`, and what
        `evaluation.evaluate` returns.

    Raises:
        SettingError: If there is no such run, model, data or split.
    """
    class_names = tuple(run.read_dataset()["class_names"])
    model = run.load_model(weights)
    examples = run.load_split(split)
    done = 0

    def count(batch: int) -> None:
        nonlocal done
        done += batch
        if progress is not None:
            progress(done, len(examples))

    result = evaluate(
        model, examples, class_names, batch_size=batch_size, progress=count
    )
    result = {"split": split, "weights": weights, **result}
    save_figures(result, run.path / "evaluation")
    write_json(run.evaluation_file, result)
    return result
