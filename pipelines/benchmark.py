"""Measures training steps: images a second, attention's share, memory."""

from ltpa_tf.programs.benchmark import cli

if __name__ == "__main__":
    cli()
