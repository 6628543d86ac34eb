"""Lists what a new document changes in a stored one, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tandem.topology.document import Mode
from tandem.topology.problems import path_of

_DEFAULTS = {"mode": Mode.DRY_RUN.value}


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns one line for each value that was added, removed or changed, in the order of the new
    document.
    """
    before, after = dict(_leaves([], _DEFAULTS | old)), dict(_leaves([], _DEFAULTS | new))
    changed = [
        f"{path}: {before[path]} -> {value}" if path in before else f"{path}: {value} is added"
        for path, value in after.items()
        if before.get(path) != value
    ]
    return changed + [f"{path}: {value} is removed" for path, value in before.items() if path not in after]


def _leaves(keys: list[str | int], value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves([*keys, key], item)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves([*keys, index], item)
    else:
        yield path_of(keys), value if isinstance(value, str) else json.dumps(value)
