"""Writes the output of `tandem estimate`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cli.estimate import PRICES, Estimate, Share


def lines(found: Estimate) -> Iterator[str]:
    """Yields the sum, every item below its share, the prices, and what is not counted."""
    yield f"About {_dollars(found.total)} a month in us-east-1, by list prices:"
    for share in Share:
        yield f"{share[0].upper()}{share[1:]}: {_dollars(found.of(share))}"
        for item in found.items:
            if item.share is share:
                yield f"  {item.name}: {_dollars(item.dollars)} ({item.basis})"
    yield "Prices, each with the month and the source in which it was read:"
    for unit in dict.fromkeys(item.unit for item in found.items):
        price = PRICES[unit]
        yield f"  {unit}: ${price.dollars} ({price.as_of}, {price.source})"
    yield "Not counted:"
    yield from (f"  {words}" for words in found.not_counted)


def _dollars(amount: Decimal) -> str:
    return "under $0.01" if 0 < amount < Decimal("0.005") else f"${amount:,.2f}"
