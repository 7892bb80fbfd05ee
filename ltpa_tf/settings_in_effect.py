"""Which settings of a config say something: for cards and reports."""

from collections.abc import Mapping

# Settings that say nothing unless another one is on, or has one of these values.
_MEANT_FOR: dict[str, tuple[str, tuple[str, ...]]] = {
    "augment.cutmix_share": ("augment.cutmix", ()),
    "augment.flip_anew": ("augment.flip", ()),
    "augment.randaugment_magnitude": ("augment.randaugment_layers", ()),
    "train.small_share": ("train.small_size", ()),
    "train.teacher_weight": ("train.teacher", ()),
    "optimizer.momentum": ("optimizer.name", ("sgd", "sgd_muon")),
    "optimizer.nesterov": ("optimizer.name", ("sgd", "sgd_muon")),
    "optimizer.muon_factor": ("optimizer.name", ("sgd_muon",)),
    "optimizer.step_epochs": ("optimizer.schedule", ("step",)),
    "optimizer.step_factor": ("optimizer.schedule", ("step",)),
    "optimizer.step_first": ("optimizer.schedule", ("step",)),
    "optimizer.step_rises": ("optimizer.schedule", ("step",)),
    "model.preprocessing": ("model.backbone", ()),
}


def in_effect(config: Mapping) -> dict[str, object]:
    """Settings that are on, by their whole key, such as `"model.levels"`.

    Left out is what is 0, empty or None, and what says nothing beside the others, such
    as the share of images that CutMix changes where there is no CutMix.

    Args:
        config: As `to_json` writes it, all of its sections or some.
    """
    found = {
        f"{part}.{key}": value
        for part, settings in config.items()
        if isinstance(settings, Mapping)
        for key, value in settings.items()
        if value not in ("", 0, 0.0, False, None, [], ())
    }

    def counts(key):
        other, values = _MEANT_FOR.get(key, (key, ()))
        return other in found and (not values or str(found[other]).lower() in values)

    return {key: value for key, value in found.items() if counts(key)}
