"""How much each setting mattered, as far as a few trials can tell."""

import dataclasses

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import RepeatedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ltpa_tf.tuning.space import Space
from ltpa_tf.tuning.values import label

# A forest needs some trials to learn from and some to be asked about.
FEWEST = 10
_FOLDS, _ROUNDS, _SHUFFLES = 5, 4, 5


@dataclasses.dataclass(frozen=True)
class Importance:
    """What a random forest makes of the trials.

    Attributes:
        shares: By key, the mean and the standard deviation over folds of how much the
            squared error on trials that the forest hasn't seen grows when the
            setting's values are shuffled, as a share of the objective's variance. 0
            says that the forest does as well without the setting.
        r2: The share of the variance that the forest explains on trials that it hasn't
            seen; at 0 or below it has learned nothing, and `shares` say nothing.
        trials: How many there were.
    """

    shares: dict[str, tuple[float, float]]
    r2: float
    trials: int

    @property
    def caveat(self) -> str:
        """How far to believe it, in words."""
        if self.r2 <= 0:
            return (
                f"from {self.trials} trials the forest learned nothing (R² on unseen "
                f"ones {self.r2:.2f})"
            )
        return (
            f"the forest explains {self.r2:.0%} of the variance of trials it has not "
            f"seen; {self.trials} trials"
        )


def measure(found: list[dict], space: Space, objective: str) -> Importance | None:
    """Permutation importance of each setting under a random forest.

    Settings that a trial did not search count as the config has them. Two settings
    that the trials moved together share their importance in some way; with few trials
    small bars are noise, which their spread shows.

    Args:
        found: Completed trials, see `results.rows`.
        space: What was searched.
        objective: The metric that counts.

    Returns:
        None for fewer than `FEWEST` trials, or if all gave the same objective.
    """
    targets = np.array([row[objective] for row in found])
    if len(found) < FEWEST or np.ptp(targets) == 0:
        return None
    columns = [_column(found, space, key) for key in space.keys]
    inputs = np.array(columns, dtype=object).T
    names = [i for i, column in enumerate(columns) if isinstance(column[0], str)]
    encoder = ColumnTransformer(
        [("names", OneHotEncoder(handle_unknown="ignore"), names)],
        remainder="passthrough",
    )
    growth, errors = [], []
    folds = RepeatedKFold(n_splits=_FOLDS, n_repeats=_ROUNDS, random_state=0)
    for train, test in folds.split(inputs):
        forest = make_pipeline(
            encoder, RandomForestRegressor(100, min_samples_leaf=2, random_state=0)
        )
        forest.fit(inputs[train], targets[train])
        errors += list((forest.predict(inputs[test]) - targets[test]) ** 2)
        result = permutation_importance(
            forest,
            inputs[test],
            targets[test],
            scoring="neg_mean_squared_error",
            n_repeats=_SHUFFLES,
            random_state=0,
        )
        growth.append(result.importances_mean)
    variance = targets.var()
    mean, spread = np.mean(growth, 0) / variance, np.std(growth, 0) / variance
    shares = {
        key: (float(mean[i]), float(spread[i])) for i, key in enumerate(space.keys)
    }
    return Importance(shares, float(1 - np.mean(errors) / variance), len(found))


def _column(found: list[dict], space: Space, key: str) -> list[float] | list[str]:
    values = [row["settings"].get(key, space.current(key)) for row in found]
    item = space.range_of(key)
    if item.kind == "choice" and not all(_is_number(value) for value in values):
        return [label(value) for value in values]
    # A forest splits by order alone: a log scale would change nothing.
    return [float(value) for value in values]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
