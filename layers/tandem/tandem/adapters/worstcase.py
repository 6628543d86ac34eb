"""How long what a look begins at the last moment may go on, each call at its worst."""

from __future__ import annotations

from datetime import timedelta

from tandem.adapters import clients
from tandem.failover.acting import REFILL_SECONDS, VERIFY_PAUSES, VERIFY_SECONDS

_READING_SECONDS = 2 * clients.READ_SECONDS
"""A reading at its worst: its reads go on side by side, and the addresses on the targets follow where the
interfaces cannot be read. A page more, or 200 addresses more, is a read more."""

LEFT_OVER = timedelta(
    seconds=REFILL_SECONDS
    + _READING_SECONDS
    + 2 * clients.TABLE_SECONDS
    + VERIFY_SECONDS
    + VERIFY_PAUSES[-1]
    + clients.READ_SECONDS
    + 6 * clients.TABLE_SECONDS
    + 5 * clients.BUS_SECONDS
    + 1.5
)
"""The failover function keeps so much of its time for all that may follow what is begun at the last moment,
each call at its worst. The longest way is that of a later batch: its pause 1 s, the topology 4 s, a new
reading 48 s and the fence 4 s, after which its moves are too late; reading back what moved before 10.5 s, and
the read that is under way then 24 s; outcome, the mark, a hold's end, a hold, and letting go, tried twice,
4 s each; telling the outcome, the hold's end and the hold, asking for a look, and putting on the bus what
other topologies are to hear 7 s each; 1.5 s for what is no call: 152 s. A move itself takes 7 s; telling the
decision goes on beside it."""
