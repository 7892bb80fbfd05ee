"""Measures a finished run on held-out examples."""

from ltpa_tf.programs.evaluate import cli

if __name__ == "__main__":
    cli()
