"""How near the route server is to AWS's limits (docs/aws-facts.md#quotas), and what it pays for in vain.

Nobody knows what AWS does with the route after the last one, so a rule fails at 80 % of a limit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace

from tandem.compliance.checks import checked, whole
from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.rules.peers import reading_of
from tandem.compliance.snapshot import Snapshot, known
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.reasons.documents import ProblemCode as Code
from tandem.topology import quotas
from tandem.topology.crosschecks import MOST_PEERS_OF_PREFIX, MOST_ROUTES
from tandem.topology.inventory import ADVERTISED, BY_GATEWAY
from tandem.topology.quotas import MOST_ENDPOINTS, MOST_PEERS_OF_ENDPOINT

NEAR_PERCENT = 80

PROPAGATED = frozenset({ADVERTISED, BY_GATEWAY})
"""AWS counts the propagated routes of a table together, whoever they are of (docs/aws-facts.md#quotas)."""


def is_near(used: int, most: int) -> bool:
    return used * 100 >= most * NEAR_PERCENT


def routes(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the routes of each peer, of the FIB, and of each table that is propagated to.

    Rows that cannot be read are none of those that are counted: what is not near is unknown then.
    """
    observation, inventory = known(snapshot.observation), known(snapshot.inventory)
    database, server = snapshot.database, reading_of(snapshot).server
    doubt = database.unread[0] if database.unread else None

    def judged(resource: str) -> Result:
        return Result.passed(resource) if doubt is None else Result.unknown(resource, doubt)

    advertised = Counter(route.peer_id for route in database.routes)
    for peer in observation.peers:
        used = advertised[peer.peer_id]
        if is_near(used, MOST_ROUTES):
            yield Result.failed(peer.peer_id, CheckCode.PEER_NEAR_ROUTE_LIMIT, used=used, most=MOST_ROUTES)
        else:
            yield judged(peer.peer_id)
    used = len({route.prefix for route in database.in_fib({r.prefix for r in database.routes})})
    if is_near(used, MOST_ROUTES):
        yield Result.failed(
            server.route_server_id, CheckCode.FIB_NEAR_ROUTE_LIMIT, used=used, most=MOST_ROUTES
        )
    else:
        yield judged(server.route_server_id)
    for table_id in inventory.propagated_to:
        table = inventory.route_tables.get(table_id)
        if table is None:
            yield Result.unknown(table_id, inventory.unknown.get(table_id, f"EC2 does not show {table_id}"))
            continue
        used = sum(route.origin in PROPAGATED for route in table.routes)
        if is_near(used, MOST_ROUTES):
            yield Result.failed(table_id, CheckCode.TABLE_NEAR_ROUTE_LIMIT, used=used, most=MOST_ROUTES)
        else:
            yield Result.passed(table_id)


def peers_of_prefix(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each prefix that is advertised; every table that is propagated to gets each of them."""
    database = snapshot.database
    if not known(snapshot.inventory).propagated_to:
        return
    advertising: dict[str, set[str]] = defaultdict(set)
    for route in database.routes:
        advertising[route.prefix].add(route.peer_id)
    for prefix, peers in advertising.items():
        if is_near(len(peers), MOST_PEERS_OF_PREFIX):
            yield Result.failed(
                prefix, CheckCode.PREFIX_NEAR_PEER_LIMIT, used=len(peers), most=MOST_PEERS_OF_PREFIX
            )
        elif database.unread:
            yield Result.unknown(prefix, database.unread[0])
        else:
            yield Result.passed(prefix)


def within_quotas(snapshot: Snapshot) -> Iterator[Result]:
    """Judges what the document needs, as it was judged before it was stored, and how near AWS is to it now.

    AWS raises most quotas on request, and no API says to what: the published defaults count.
    """
    yield from _NEEDED.judge(snapshot)
    yield from near_quotas(snapshot)


def near_quotas(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the endpoints of the route server, and the peers at each endpoint's interface."""
    reading = reading_of(snapshot)
    endpoints, server_id = (*reading.endpoints, *reading.broken), reading.server.route_server_id
    if is_near(len(endpoints), MOST_ENDPOINTS):
        yield Result.failed(
            server_id, CheckCode.ENDPOINTS_NEAR_QUOTA, used=len(endpoints), most=MOST_ENDPOINTS
        )
    else:
        yield Result.passed(server_id)
    at = Counter(peer.endpoint_id for peer in reading.peers)
    for endpoint in endpoints:
        used = at[endpoint.endpoint_id]
        if is_near(used, MOST_PEERS_OF_ENDPOINT):
            yield Result.failed(
                endpoint.endpoint_id,
                CheckCode.PEERS_NEAR_QUOTA,
                used=used,
                most=MOST_PEERS_OF_ENDPOINT,
            )
        else:
            yield Result.passed(endpoint.endpoint_id)


def in_use(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each endpoint: it has a peer, in whatever state. It costs the same without one
    (docs/aws-facts.md#endpoint-price).
    """
    reading = reading_of(snapshot)
    observation = known(snapshot.observation)
    used, unread = {peer.endpoint_id for peer in observation.peers}, observation.unknown.peers
    for endpoint in (*reading.endpoints, *reading.broken):
        if endpoint.endpoint_id in used:
            yield Result.passed(endpoint.endpoint_id)
        elif unread:  # it may be of this endpoint
            yield Result.unknown(endpoint.endpoint_id, next(iter(unread.values())))
        else:
            yield Result.failed(
                endpoint.endpoint_id, CheckCode.ENDPOINT_WITHOUT_PEER, subnet=endpoint.subnet_id
            )


_NEEDED = checked(
    RuleId.WITHIN_QUOTAS,
    RuleSeverity.MEDIUM,
    (quotas.quota_warnings,),
    (
        Code.MANY_ROUTE_SERVERS,
        Code.MANY_ENDPOINTS,
        Code.MANY_PEERS_OF_ENDPOINT,
        Code.MANY_ALLOWED_PREFIXES,
        Code.MANY_PEERS_OF_PREFIX,
        Code.MANY_ROUTES_OF_TABLE,
    ),
    whole,
)

RULES = (
    Rule(RuleId.ROUTES_WITHIN_LIMITS, RuleSeverity.MEDIUM, routes),
    Rule(RuleId.PEERS_OF_PREFIX_WITHIN_LIMIT, RuleSeverity.MEDIUM, peers_of_prefix),
    replace(_NEEDED, judge=within_quotas),
    Rule(RuleId.ENDPOINT_IN_USE, RuleSeverity.LOW, in_use),
)
