"""Asks a trained run, an export or a server about image files."""

from ltpa_tf.programs.predict import cli

if __name__ == "__main__":
    cli()
