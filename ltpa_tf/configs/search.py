"""Every setting of a search, its default, and a comment over each.

A search's config is an experiment's config with these settings under `search`; on the
command line, `--config.search.trials=40`.
"""

from ml_collections import ConfigDict


def add_to(config: ConfigDict) -> ConfigDict:
    """`config` with `config.search`; returns the latter."""
    search = ConfigDict()

    # What to search: ranges from ltpa_tf.tuning.ranges, over any key of the config.
    search.space = ()
    # "random", "hyperband" (short trials, the best go on; train.epochs is the longest),
    # "bayesian" (a Gaussian process proposes), "grid" (every combination).
    search.algorithm = "random"
    # What counts, at a trial's best epoch: "val_accuracy" or "val_loss".
    search.objective = "val_accuracy"
    # Trials at most; 0 = until the algorithm or the hours end. Failed ones count.
    search.trials = 20
    # No trial starts after so many hours, over all starts of the search; 0 = no limit.
    search.hours = 0.0
    # Runs per trial, with seeds seed, seed + 1, ...; their mean counts.
    search.executions = 1
    # End a trial which, from this epoch on, is behind the median of the others at the
    # same epoch; 0 = off. Not with "hyperband", which does that by itself.
    search.median_from_epoch = 0
    # So many failed trials in a row end the search: something else is wrong then.
    search.failures = 10
    # The best N trials keep their models; 0 = all do.
    search.keep_models = 3
    # Train in a new process each time: takes some seconds to start, gives all memory
    # back, and a crash fails one trial and no more. Only with runtime.strategy="none"
    # can it be False.
    search.process_per_trial = True

    search.hyperband = ConfigDict()
    # Each rung trains this many times longer, and 1 of this many trials reaches it.
    search.hyperband.factor = 3
    # How often to go through all of Hyperband.
    search.hyperband.iterations = 1

    search.bayesian = ConfigDict()
    # Random trials before the first proposal; 0 = three for each range.
    search.bayesian.initial_points = 0
    # Weight of the unknown over the promising (the bound's beta).
    search.bayesian.exploration = 2.6

    with config.unlocked():
        config.search = search
    return config.search
