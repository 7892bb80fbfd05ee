"""The named models: the rows of the paper's tables, and their controls."""

import fnmatch
import inspect
from collections.abc import Sequence

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.compatibility import COMPATIBILITIES
from ltpa_tf.layers.heads import HEADS
from ltpa_tf.models import ram, resnet, settings
from ltpa_tf.models.ram import RecurrentAttention
from ltpa_tf.models.resnet import AttentionResNet
from ltpa_tf.models.vgg import AttentionVGG
from ltpa_tf.words import nearest, one_of

_Named = AttentionVGG | AttentionResNet | RecurrentAttention
_DATA = ("self", "image_shape", "num_classes", "mean", "std", "dtype", "kwargs")


def _defaults(kind: type[keras.Model]) -> dict:
    parameters = inspect.signature(kind.__init__).parameters
    return {k: v.default for k, v in parameters.items() if k not in _DATA}


_LEVELS = {"att": (13,), "att2": (10, 13), "att3": (7, 10, 13)}


def list_models(pattern: str = "*") -> list[str]:
    """The names that `build` knows.

    Args:
        pattern: Of the names wanted, as in a shell: `"*att3*"`.

    Example:
        >>> models.list_models("*indep_dp")
        ['vgg_att2_indep_dp', 'vgg_att3_indep_dp']
    """
    return fnmatch.filter(rows(), pattern)


def rows() -> dict[str, dict]:
    """Every named model: row name -> architecture arguments of its class.

    `vgg_att_pc` is the paper's "(VGG-att)-pc" (level 13), `vgg_att2_concat_pc` its
    "(VGG-att2)-concat-pc" (levels 10, 13), `att3` has levels 7, 10, 13; with each
    compatibility, and `indep` for `concat`. `vgg_att3_concat_pc_projected` attends to
    the projected l and has plain linear layers, as a port to PyTorch does
    (https://github.com/SaoYan/LearnToPayAttention). Controls: `vgg`, the paper's plain
    VGG; `vgg_none`, the attention models' trunk without attention; `vgg_gap`, for class
    activation maps; `vgg_pan`, progressive attention. These are `AttentionVGG`; `ram`
    is `RecurrentAttention`, with the policies `ram_centre` and `ram_random` to compare
    with. `resnet164_att2_concat_pc` is the paper's "(RN-164-att2)-concat-pc", an
    `AttentionResNet`; `resnet164` its plain network, `resnet164_none` the same trunk.

    Example:
        >>> models.rows()["vgg_att2_concat_pc"]["levels"]
        (10, 13)
    """
    table = {
        "vgg": {"trunk": "vgg_d", "levels": ()},
        "vgg_none": {"levels": ()},
        "vgg_gap": {"levels": (), "global_feature": "gap", "projection": "linear"},
    }
    for prefix, levels in _LEVELS.items():
        for compatibility in COMPATIBILITIES:
            chosen = {"levels": levels, "compatibility": compatibility}
            if len(levels) == 1:
                table[f"vgg_{prefix}_{compatibility}"] = chosen
                continue
            for head in HEADS:
                table[f"vgg_{prefix}_{head}_{compatibility}"] = chosen | {"head": head}
    table["vgg_pan"] = {"levels": (10, 13), "gates": (10,)}
    projected = {"match": "projected_local", "projection": "linear"}
    table["vgg_att3_concat_pc_projected"] = table["vgg_att3_concat_pc"] | projected
    defaults = _defaults(AttentionVGG)
    table = {name: defaults | row for name, row in table.items()}
    defaults = _defaults(RecurrentAttention)
    policies = {"ram": "learned", "ram_centre": "centre", "ram_random": "random"}
    table |= {k: defaults | {"policy": v} for k, v in policies.items()}
    defaults = _defaults(AttentionResNet)
    plain = {"levels": (), "global_feature": "gap", "projection": "linear"}
    return table | {
        "resnet164": defaults | plain,
        "resnet164_none": defaults | {"levels": ()},
        "resnet164_att2_concat_pc": defaults,
    }


def arguments(name: str, **overrides) -> dict:
    """The complete architecture arguments of a row with some of them changed.

    Values aren't checked: the model does that, or, without a model, `resolve`.

    Args:
        name: One of `list_models()`.
        **overrides: Architecture arguments of the row's class.

    Raises:
        SettingError: No such row (the nearest ones are named), or no such argument.

    Example:
        >>> models.arguments("vgg_att2_concat_dp", width=0.5)["compatibility"]
        'dp'
    """
    table = rows()
    if name not in table:
        raise SettingError("name", name, one_of(nearest(str(name), table) or table))
    for key, value in overrides.items():
        if key not in table[name]:
            known = ", ".join(table[name])
            raise SettingError(key, value, f"none, for {name}, which takes {known}")
    return table[name] | overrides


def resolve(name: str, **overrides) -> dict:
    """`arguments`, checked and in their normal form; no weight is made.

    Raises:
        SettingError: See `arguments`; or a value that can't be used.

    Example:
        >>> models.resolve("vgg_att2_concat_pc", levels=[13, 10])["levels"]
        (10, 13)
    """
    found = arguments(name, **overrides)
    return _module(found).checked(found)


def build(
    name: str = "vgg_att3_concat_pc",
    *,
    image_shape: Sequence[int | None] = (32, 32, 3),
    num_classes: int = 10,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    dtype: str | keras.DTypePolicy | None = None,
    **overrides,
) -> _Named:
    """The model of a row; see its class for arguments, input and output.

    Raises:
        SettingError: See `arguments` and the class.

    Example:
        >>> model = models.build("vgg_att3_concat_pc", num_classes=100, width=0.25)
        >>> model.output_shape
        (None, 100)
    """
    return of_arguments(
        arguments(name, **overrides),
        image_shape=image_shape,
        num_classes=num_classes,
        mean=mean,
        std=std,
        dtype=dtype,
        name=name,
    )


def of_arguments(found: dict, **others) -> _Named:
    """The model of complete architecture arguments.

    Args:
        found: As of `arguments`.
        **others: What the class takes beside them.

    Example:
        >>> found = models.arguments("ram", glimpses=4)
        >>> type(models.of_arguments(found, num_classes=10)).__name__
        'RecurrentAttention'
    """
    return _kind(found)(**found, **others)


def _module(found: dict):
    """The module that checks these arguments."""
    kinds = {RecurrentAttention: ram, AttentionResNet: resnet, AttentionVGG: settings}
    return kinds[_kind(found)]


def _kind(found: dict) -> type[_Named]:
    if "glimpses" in found:
        return RecurrentAttention
    return AttentionResNet if "depth" in found else AttentionVGG
