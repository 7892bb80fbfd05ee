"""What ends a search."""


class SearchError(RuntimeError):
    """No trial can be trained, or none was; its text is a sentence for the user."""
