"""Optimizers as pure functions of tensors, and learning rate schedules."""

from ltpa_tf.optimizers.muon import SGDMuon
from ltpa_tf.optimizers.pure import (
    class_and_arguments,
    decayed_variables,
    make_optimizer,
    names,
)
from ltpa_tf.optimizers.schedules import WarmUp, make_schedule

__all__ = [
    "SGDMuon",
    "WarmUp",
    "class_and_arguments",
    "decayed_variables",
    "make_optimizer",
    "make_schedule",
    "names",
]
