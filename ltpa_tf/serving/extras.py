"""Packages of this package's extras, imported when they are used."""

import importlib
from types import ModuleType

from ltpa_tf.errors import SettingError


def need(module: str, extra: str = "serving") -> ModuleType:
    """The module, which an extra of this package installs.

    Raises:
        SettingError: If it isn't installed; the sentence has the command.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SettingError(
            f"package {module.partition('.')[0]}",
            f"not installed ({error})",
            f"it installed: pip install 'ltpa_tf[{extra}]'",
        ) from None
