r"""The architecture alone, under the modern recipe of CIFAR-10.

    python -m pipelines.tune --config=configs/tune_architecture.py \
        --workdir=runs/tune-architecture

Levels are searched for the trunk that they belong to. On one's own images:
`--config.data.name=folder --config.data.dir=... --config.data.image_size=96`.
"""

from ltpa_tf.configs import cifar10
from ltpa_tf.configs import search as search_settings
from ltpa_tf.tuning import choice


def get_config(argument: str = ""):
    config = cifar10.get_config(argument)
    config.train.epochs = 30
    config.log.images = 0

    search = search_settings.add_to(config)
    search.trials = 60
    search.median_from_epoch = 10
    search.space = (
        choice("model.trunk", "paper", "vgg_d"),
        choice(
            "model.levels",
            *((13,), (10, 13), (7, 10, 13)),
            when={"model.trunk": "paper"},
        ),
        choice(
            "model.levels",
            *((7,), (10,), (7, 10), (4, 7, 10)),
            when={"model.trunk": "vgg_d"},
        ),
        choice("model.tap", "before_pool", "after_pool"),
        choice("model.compatibility", "pc", "dp", "local", "additive"),
        choice("model.normalization", "softmax", "sigmoid"),
        choice("model.match", "global_to_local", "local_to_global"),
        choice("model.projection", "paper", "linear"),
        choice("model.head", "concat", "indep"),
        choice("model.width", 0.25, 0.5, 1.0),
    )
    return config
