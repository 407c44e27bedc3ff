"""Numbers with their nouns, for sentences."""


def count(n: int, noun: str) -> str:
    """A number with its noun, such as ``1 bar`` or ``2 bars``."""
    return f"{n} {noun}{'' if n == 1 else 's'}"
