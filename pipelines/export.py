"""Writes a trained run as a versioned SavedModel for TensorFlow Serving."""

from ltpa_tf.programs.export import cli

if __name__ == "__main__":
    cli()
