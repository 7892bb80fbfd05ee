"""Numbers in sentences."""


def count(number: int, noun: str) -> str:
    """`"1 epoch"`, `"2 epochs"`, `"12,000 images"`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
