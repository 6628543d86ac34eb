"""Runs `tandem discover`: writes a topology document of what exists, with the caller's own credentials."""

from __future__ import annotations

import os
from collections.abc import Iterable

import yaml
from botocore.exceptions import BotoCoreError

from cli.discovery import reads
from cli.discovery.document import Discovery, discover
from cli.discovery.snapshot import UndiscoverableError
from cli.stack import StackError, explained
from tandem.errors import TandemError
from tandem.topology.problems import visible

WIDTH = 110


def find(vpc_id: str, route_server_id: str | None) -> Discovery:
    """Returns the topology of a VPC's route server. Raises UndiscoverableError, StackError."""
    if "AWS_REGION" in os.environ:  # the SDK alone reads AWS_DEFAULT_REGION only
        os.environ.setdefault("AWS_DEFAULT_REGION", os.environ["AWS_REGION"])
    try:
        chosen = _chosen(vpc_id, reads.route_servers(vpc_id), route_server_id)
        return discover(reads.snapshot(vpc_id, chosen))
    except UndiscoverableError:
        raise
    except (TandemError, BotoCoreError, ValueError) as error:
        cause = error.__cause__ if isinstance(error, TandemError) else error
        if isinstance(cause, BotoCoreError | ValueError):
            raise explained(cause) from error
        raise StackError(str(error)) from error


def text(vpc_id: str, found: Discovery) -> str:
    """Returns the document as YAML, below what a person has to know about it."""
    head = [
        f"This describes what {vpc_id} shows now. In dry-run nothing moves: read it, then run tandem apply.",
        "tandem discover does not read the stored topologies: applying this replaces one of the same name.",
    ]
    remarks = [f"- {remark}" for remark in found.remarks]
    if remarks:
        remarks.insert(0, "Please check:")
    comments = "\n".join(f"# {_one_line(line)}" for line in (*head, *remarks))
    return f"{comments}\n{yaml.safe_dump(found.document, sort_keys=False, allow_unicode=True, width=WIDTH)}"


def _chosen(vpc_id: str, there: Iterable[str], wanted: str | None) -> str:
    servers = sorted(there)
    listed = ", ".join(servers) or "none"
    if wanted is not None and wanted not in servers:
        raise UndiscoverableError(f"{wanted} is not associated with {vpc_id}; there is: {listed}")
    if wanted is None and len(servers) != 1:
        several = f"{vpc_id} has {len(servers)} route servers ({listed})"
        raise UndiscoverableError(
            f"{several}: choose one with --route-server" if servers else f"{vpc_id} has no route server"
        )
    return wanted or servers[0]


def _one_line(words: str) -> str:
    """Names come from tags: a line feed in one must not end the comment, nor control the terminal."""
    return visible(" ".join(words.split()))
