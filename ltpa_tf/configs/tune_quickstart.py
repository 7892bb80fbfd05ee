r"""A search in minutes on two cores: a small attention model on cluttered digits.

    python -m pipelines.tune --config=configs/tune_quickstart.py \
        --workdir=runs/tune-quickstart

An eighth of the width, and training cut short on purpose (5,000 images, 6 epochs). On
two cores in 6 minutes; on the test part the best config has 90.8% over three new
seeds, the default 57.4% (docs/tuning.md).
"""

from ltpa_tf.configs import quickstart
from ltpa_tf.configs import search as search_settings
from ltpa_tf.tuning import choice, linear, log


def get_config():
    config = quickstart.get_config()
    config.data.train_examples = 5000
    config.data.validation_examples = 1000
    config.model.width = 0.125
    config.train.epochs = 6
    # The defaults of all configs instead of quickstart's, which were found by hand.
    config.train.batch_size = 128
    config.optimizer.warmup_epochs = 0.0
    config.log.images = 0

    search = search_settings.add_to(config)
    search.trials = 16
    search.median_from_epoch = 3
    # Saves the seconds that a process takes to start; a trial takes few more.
    search.process_per_trial = False
    config.runtime.strategy = "none"
    search.space = (
        log("optimizer.learning_rate", 0.01, 0.5),
        log("optimizer.weight_decay", 1e-4, 2e-2),
        linear("optimizer.warmup_epochs", 0.0, 2.0),
        choice("train.batch_size", 16, 32, 64, 128),
        choice("model.levels", (4,), (7,), (4, 7), (4, 7, 10)),
        choice("model.compatibility", "pc", "dp"),
        linear("train.label_smoothing", 0.0, 0.2),
    )
    return config
