"""Lets `keras.models.load_model` know this package's classes, after `import ltpa_tf`.

Keras finds a class by the name that it was registered under when it was defined. To
define ours right away would take Keras and TensorFlow, seconds for a program that shows
its --help; so it is done as soon as Keras itself is imported, whoever does it.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys

_DEFINES_ALL = "ltpa_tf.models"


def register_with_keras() -> None:
    """Defines the classes now, or when Keras is imported."""
    if "keras" in sys.modules:
        importlib.import_module(_DEFINES_ALL)
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


class _AfterKeras(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname, path=None, target=None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_and_define(module):
                execute(module)
                importlib.import_module(_DEFINES_ALL)

            spec.loader.exec_module = execute_and_define
        return spec
