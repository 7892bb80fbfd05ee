"""What ends a search."""

from ltpa_tf.errors import WorkError


class SearchError(WorkError):
    """No trial can be trained, or none was."""
