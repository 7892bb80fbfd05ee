"""Configs written for earlier versions, with the names and values of today."""

from ml_collections import ConfigDict

_RENAMED = {
    "optimizer.shift_factor": "optimizer.bias_lr_multiplier",
    "train.recompute": "train.gradient_checkpointing",
}
_DROPOUT = {"none": 0.0, "paper": 0.5}
# Settings that came later, with the value that does what was done before.
_ADDED = {
    "augment.cutmix_share": 1.0,
    "augment.flip_anew": False,
    "augment.least_area": 0.0,
    "augment.sharpness": 0.0,
    "data.aspect": "squash",
    "data.background": (255, 255, 255),
    "data.largest_image_size": 0,
    "data.match_sharpness": False,
    "data.skip_damaged": False,
    "data.validation_share": 0.0,
    "data.window": (),
    "log.mlflow": "",
    "log.wandb": "",
    "model.backbone": "",
    "model.backbone_weights": "",
    "model.depth": None,
    "model.descriptor": None,
    "model.gates": None,
    "model.glimpse_size": None,
    "model.glimpses": None,
    "model.global_feature": None,
    "model.initial_values": "keras",
    "model.location_std": None,
    "model.padding": None,
    "model.paths": None,
    "model.policy": None,
    "model.positions": None,
    "model.preprocessing": "auto",
    "model.projection_epsilon": 1e-3,
    "model.receptive_field": 0.0,
    "model.scales": None,
    "model.score_scale": None,
    "optimizer.backbone_lr_multiplier": 1.0,
    "optimizer.stage_lr_multiplier": 1.0,
    "optimizer.step_first": 0,
    "optimizer.step_rises": 0,
    "train.class_weights": "none",
    "train.deep_supervision": False,
    "train.entropy_weight": 0.01,
    "train.freeze_batch_norm": False,
    "train.frozen_epochs": 0,
    "train.gradient_averaging": False,
    "train.init_from": "",
    "train.keep_normalization": True,
    "train.reward": "likelihood",
    "train.reward_weight": 1.0,
    "train.samples": 4,
    "train.teacher": "",
    "train.teacher_weight": 0.5,
    "train.unfreeze_epochs": 0,
}


class Section(ConfigDict):
    """A part of a config to which a file can give the names and values of before."""

    def __getitem__(self, key):
        return super().__getitem__(_new_name(key))

    def __setitem__(self, key, value):
        if key == "dropout" and isinstance(value, str):
            value = _DROPOUT.get(value, value)
        super().__setitem__(_new_name(key), value)

    def __eq__(self, other):
        if isinstance(other, Section):
            other = ConfigDict(other)
        return ConfigDict(self) == other


def renewed_key(key: str) -> str:
    """A config's whole key, such as a search's range names, as it is called today."""
    return _RENAMED.get(key, key) if isinstance(key, str) else key


def renewed_flag(argument: str) -> str:
    """A command line's `--config.KEY=VALUE` with the name and value of today."""
    for old, new in _RENAMED.items():
        argument = argument.replace(f"--config.{old}=", f"--config.{new}=")
    name, _, value = argument.partition("=")
    if name == "--config.model.dropout" and value in _DROPOUT:
        return f"{name}={_DROPOUT[value]}"
    return argument


def renewed(config: dict) -> dict:
    """The same config, a nested dictionary from JSON, as this version writes it."""
    config = {
        key: dict(value) if isinstance(value, dict) else value
        for key, value in config.items()
    }
    for old, new in _RENAMED.items():
        part, old_key = old.split(".")
        settings = config.get(part)
        if isinstance(settings, dict) and old_key in settings:
            settings[new.split(".")[1]] = settings.pop(old_key)
    model = config.get("model")
    # Then "" and () stood for what the row has, and dropout was "paper" or "none".
    if isinstance(model, dict) and isinstance(model.get("dropout"), str):
        dropout = _DROPOUT.get(model["dropout"], 0.5)
        for key, value in model.items():
            model[key] = None if value in ("", []) else value
        model["dropout"] = dropout
    for added, value in _ADDED.items():
        part, key = added.split(".")
        if isinstance(config.get(part), dict):
            config[part].setdefault(key, value)
    return config


def _new_name(key: str) -> str:
    """A key within its section."""
    names = {old.split(".")[1]: new.split(".")[1] for old, new in _RENAMED.items()}
    return names.get(key, key)
