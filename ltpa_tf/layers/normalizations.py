"""All normalizations by their names."""

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.hard import SampledPooling, TopKPooling, check_positions
from ltpa_tf.layers.pooling import AttentionPooling, SigmoidPooling, SoftmaxPooling

NORMALIZATIONS: dict[str, type[AttentionPooling]] = {
    "softmax": SoftmaxPooling,
    "sigmoid": SigmoidPooling,
    "sampled": SampledPooling,
    "topk": TopKPooling,
}


def pooling(normalization: str, positions: int | None, **kwargs) -> AttentionPooling:
    """The layer of a normalization.

    Args:
        normalization: Its name.
        positions: Of a hard one, how many it chooses; None of a soft one.
        **kwargs: As for every Keras layer.
    """
    kind = NORMALIZATIONS[normalization]
    return kind(positions, **kwargs) if kind.hard else kind(**kwargs)


def check_hard(normalization: str, positions: int | None) -> None:
    """Refuses positions for soft attention, and hard attention without.

    Raises:
        SettingError: Naming `positions`.
    """
    if NORMALIZATIONS[normalization].hard:
        check_positions(positions)
    elif positions is not None:
        hard = [name for name, kind in NORMALIZATIONS.items() if kind.hard]
        raise SettingError(
            "positions",
            positions,
            f"None with {normalization}, which attends to all; {' and '.join(hard)} "
            "choose some",
        )
