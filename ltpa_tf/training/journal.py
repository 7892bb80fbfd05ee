"""Everything that is told about a run while it trains."""

import numpy as np

from ltpa_tf.training.attention import AttentionWatch
from ltpa_tf.training.progress import Screen
from ltpa_tf.training.records import Metrics
from ltpa_tf.training.state import SUMS, StateVariables
from ltpa_tf.training.tensorboard import Board


class Journal:
    """Tells screen, `metrics.jsonl` and TensorBoard the same figures.

    Args:
        screen: The screen.
        board: TensorBoard's events.
        metrics: `metrics.jsonl`.
        watch: The attention maps that are watched.
        chief: Whether this process writes.
    """

    def __init__(
        self,
        screen: Screen,
        board: Board,
        metrics: Metrics,
        watch: AttentionWatch,
        *,
        chief: bool,
    ):
        self.screen = screen
        self.board = board
        self._metrics = metrics
        self._watch = watch
        self._chief = chief

    def step(self, step: int, figures: dict[str, float]) -> None:
        """The means of the running epoch after `step` steps."""
        self.screen.step(step, figures)
        self.board.step(step, figures)

    def epoch(self, line: dict, state: StateVariables) -> dict:
        """The results of an epoch; returns them with what was found beside."""
        if not self._chief:
            return line
        entropies, pictures = self._watch.look(*state.read_for_evaluation())
        line = line | entropies
        self._metrics.append(line)
        self.screen.epoch(line["epoch"], line)
        self.board.epoch(line["epoch"], line, pictures)
        return line


def means(sums: np.ndarray) -> dict[str, float]:
    """The sums of `State.sums` as means over examples and updates.

    Empty if there were none: with float16 every step may have been skipped.
    """
    total = dict(zip(SUMS, sums.tolist(), strict=True))
    examples, updates = total["examples"], total["updates"]
    if not updates:
        return {}
    return {
        "loss": total["loss"] / examples,
        "accuracy": total["correct"] / examples,
        "gradient_norm": total["gradient_norm"] / updates,
    }
