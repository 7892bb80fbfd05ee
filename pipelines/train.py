"""Trains a model, or continues where an earlier call was cut off."""

from ltpa_tf.programs.train import cli

if __name__ == "__main__":
    cli()
