"""Finds the command that a person probably meant with a wrong command line."""

from __future__ import annotations

from collections.abc import Sequence

COMMANDS = ("validate", "plan", "apply", "delete", "discover", "estimate")


def hint(arguments: Sequence[str]) -> str | None:
    """Returns the command that was probably meant; None if nothing suggests one."""
    command = next((argument for argument in arguments if argument in COMMANDS), None)
    rest = [argument for argument in arguments if argument != command]
    if command == "apply" and "--dry-run" in arguments:
        return "tandem plan FILE shows what apply would do"
    if command and arguments[0].partition("=")[0] == "--stack":
        return f"--stack comes after the command: tandem {command} --stack NAME …"
    if (
        command == "discover"
        and any(argument.startswith("vpc-") for argument in rest)
        and "--vpc" not in rest
    ):
        return "tandem discover --vpc VPC"
    if command == "delete" and any(argument.endswith((".yaml", ".yml", ".json")) for argument in rest):
        return "delete takes the name of a stored topology, not a file: tandem delete NAME"
    return "tandem --help" if arguments[:1] == ["help"] else None
