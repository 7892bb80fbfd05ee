"""Makes a TFDS data set on disk out of files, for machines without a network."""

from ltpa_tf.programs.prepare_data import cli

if __name__ == "__main__":
    cli()
