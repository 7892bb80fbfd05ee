r"""CIFAR-100: attention and recipe together, by Hyperband.

    python -m pipelines.tune --config=configs/tune_cifar100.py \
        --workdir=runs/tune-cifar100

One pass of Hyperband with 60 epochs as the longest trial trains 90 trials for
1,112 epochs in all. With more machines, start workers (docs/tuning.md).
"""

from ltpa_tf.configs import cifar100
from ltpa_tf.configs import search as search_settings
from ltpa_tf.tuning import choice, linear, log


def get_config(argument: str = ""):
    config = cifar100.get_config(argument)
    config.log.images = 0

    search = search_settings.add_to(config)
    search.algorithm = "hyperband"
    search.trials = 0
    search.space = (
        log("optimizer.learning_rate", 0.03, 1.0),
        log("optimizer.weight_decay", 5e-4, 5e-2),
        linear("train.label_smoothing", 0.0, 0.2),
        choice("augment.cutmix", 0.0, 1.0),
        choice("model.levels", (13,), (10, 13), (7, 10, 13)),
        choice("model.compatibility", "pc", "dp", "local", "additive"),
        choice("model.normalization", "softmax", "sigmoid"),
        choice("model.head", "concat", "indep"),
        choice("model.width", 0.5, 1.0),
        choice("model.dropout", 0.5, 0.0),
    )
    return config
