"""What a request can be refused with."""


class RequestError(Exception):
    """A request that can't be answered; its text is a sentence for the client.

    Args:
        status: HTTP status code.
        sentence: What is wrong with the request.
    """

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status
