"""The whole path on bundled data: train, evaluate, explain, export, ask the export."""

from ltpa_tf.programs.quickstart import cli

if __name__ == "__main__":
    cli()
