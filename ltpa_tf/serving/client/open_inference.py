"""What a client makes of a model that has outputs, but no signatures."""

from collections.abc import Mapping, Sequence

from ltpa_tf.serving.prediction import CLASSES, COMPACT

FILES = "_bytes"
"""How the name ends of the same model that takes files in place of pixels."""

_ENDS = {"uint8": ("_uint8", "_scale"), "top": ("_top",)}

Tensors = Mapping[str, list[int]]  # name -> shape


def signatures(
    inputs: Tensors, outputs: Sequence[str], files: Tensors | None
) -> dict[str, dict[str, list[int]]]:
    """Signature name -> input name -> shape, as TensorFlow Serving would name them.

    Args:
        inputs: Of the model.
        outputs: Their names.
        files: The inputs of the model that takes files; None if there is no such.
    """
    found = {"serving_default": dict(inputs)}
    for form in ("maps", "native", "uint8", "top"):
        if _of_form(form, outputs):
            found[f"attention_{form}"] = dict(inputs)
    if files is not None:
        found |= {_of_files(name): dict(files) for name in found}
    return found


def model_of(name: str, signature: str) -> str:
    """The model to ask for what a signature gives."""
    return name + FILES if signature.endswith(FILES) else name


def outputs_of(signature: str, outputs: Sequence[str]) -> list[str]:
    """What a signature gives, of the outputs that a model has."""
    plain = [name for name in outputs if name in CLASSES]
    if signature == f"serving{FILES}" and "preprocessing" in plain:
        plain.remove("preprocessing")  # says where maps lie, and comes with them alone
    form = signature.removesuffix(FILES).removeprefix("attention_")
    return plain + _of_form(form, outputs)


def _of_files(signature: str) -> str:
    return signature.removesuffix("_default") + FILES


def _of_form(form: str, outputs: Sequence[str]) -> list[str]:
    """The outputs with maps in a form; of plain signatures, none."""
    if form in _ENDS:
        return [name for name in outputs if name.endswith(_ENDS[form])]
    if form == "native":
        return [name for name in outputs if f"{name}_image" in outputs]
    others = (*CLASSES, *(name for name in outputs if name.endswith(COMPACT)))
    return [name for name in outputs if form == "maps" and name not in others]
