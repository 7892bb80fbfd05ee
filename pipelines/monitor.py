"""Says whether a served model still answers and looks as on its test images."""

from ltpa_tf.programs.monitor import cli

if __name__ == "__main__":
    cli()
