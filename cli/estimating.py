"""`tandem estimate`: what a topology costs a month, by item."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tandem.provisioning.estimate import PRICES, Estimate, Share


def lines(found: Estimate) -> Iterator[str]:
    """Every item under whose costs it is, the sum, and what is not in it."""
    for share in Share:
        yield f"{share}: {_dollars(found.of(share))}"
        for item in found.items:
            if item.share is share:
                yield f"  {item.name}: {_dollars(item.dollars)} ({item.basis})"
    yield f"together: {_dollars(found.total)} a month"
    dates = sorted({price.as_of for price in PRICES.values()})
    yield f"List prices of us-east-1, read {dates[0]} to {dates[-1]}. Not in it:"
    yield from (f"  {words}" for words in found.not_counted)


def _dollars(amount: Decimal) -> str:
    return "under $0.01" if 0 < amount < Decimal("0.005") else f"${amount:,.2f}"
