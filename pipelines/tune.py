"""Searches for good settings, or goes on with a search that was cut off."""

from ltpa_tf.programs.tune import cli

if __name__ == "__main__":
    cli()
