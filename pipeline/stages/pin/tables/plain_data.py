"""What somebody else's YAML gave, as plain data of a bounded size."""

from typing import Any

from pipeline.errors import InvalidData

# Aliases let a few lines of YAML stand for more values than any memory holds.
_MOST_VALUES, _DEEPEST = 100_000, 40


def plain(value: Any, owner: str) -> dict[str, Any]:
    """Copy a mapping as JSON has it, with every alias written out.

    Args:
        value: As a safe YAML loader gave it.
        owner: The data set's name and commit, for messages.

    Raises:
        InvalidData: The value is no mapping, holds something else than JSON can, or does not end.
    """
    left = _MOST_VALUES

    def copied(one: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or depth > _DEEPEST:
            raise InvalidData(
                f"{owner} declares more than {_MOST_VALUES:,} values, or deeper than {_DEEPEST}, for one "
                "config; wanted files, options and features. Pin a commit with a smaller README"
            )
        if isinstance(one, dict):
            return {str(key): copied(inner, depth + 1) for key, inner in one.items()}
        if isinstance(one, list):
            return [copied(inner, depth + 1) for inner in one]
        if one is None or isinstance(one, str | int | float):
            return one
        raise InvalidData(
            f"{owner} declares a {type(one).__name__} for a config; wanted text, numbers, lists and "
            "mappings. Pin a commit whose README has those alone"
        )

    if not isinstance(value, dict):
        raise InvalidData(
            f"{owner} declares a {type(value).__name__} where a mapping should stand; wanted keys and "
            "values. Pin a commit whose README the Hub reads"
        )
    found: dict[str, Any] = copied(value, 0)
    return found
