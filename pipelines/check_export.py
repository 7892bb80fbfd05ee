"""Says what a server would refuse in an export, without a server."""

from ltpa_tf.programs.check_export import cli

if __name__ == "__main__":
    cli()
