"""Numbers in sentences."""


def count(number: int, noun: str, several: str = "") -> str:
    """`"1 epoch"`, `"2 epochs"`, `"12,000 images"`.

    Args:
        number: How many.
        noun: Of one.
        several: Of more, where that is more than an s.
    """
    return f"{number:,} " + (noun if number == 1 else several or f"{noun}s")
