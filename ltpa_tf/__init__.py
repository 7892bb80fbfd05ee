"""Trainable visual attention ("Learn to Pay Attention", ICLR 2018) in Keras 3.

Importing this package is free of side effects and of heavy imports; what you need is
one level down: `ltpa_tf.layers`, `ltpa_tf.models`, `ltpa_tf.data`,
`ltpa_tf.training`, `ltpa_tf.evaluation`, `ltpa_tf.explain`, `ltpa_tf.serving`,
`ltpa_tf.tuning`.
"""

__version__ = "0.1.0"
