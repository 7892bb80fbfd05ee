"""Moves a label to another version: promotes a canary, or rolls back."""

from ltpa_tf.programs.promote import cli

if __name__ == "__main__":
    cli()
