"""Serves an export: REST, gRPC and the explorer page."""

from ltpa_tf.programs.serve import cli

if __name__ == "__main__":
    cli()
