"""What a config names: its data."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_collections import ConfigDict

    from ltpa_tf import data


def load_data(config: "ConfigDict") -> "data.Source":
    """The data set of `config.data`.

    Raises:
        SettingError: If it can't be loaded.
    """
    from ltpa_tf import data

    settings = {k: v for k, v in config.data.items() if k != "placement"}
    return data.load(seed=config.seed, **settings)
