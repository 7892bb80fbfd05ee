"""Draws where a finished run's model looks."""

from ltpa_tf.programs.explain import cli

if __name__ == "__main__":
    cli()
