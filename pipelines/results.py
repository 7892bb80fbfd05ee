"""Train what is missing of the tables in docs/results.md, each result a file."""

from ltpa_tf.programs.results import cli

if __name__ == "__main__":
    cli()
