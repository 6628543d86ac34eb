"""A topology against the AWS around it: what is refused and what is only a warning, all of it at once."""

from __future__ import annotations

from dataclasses import replace

from tandem.topology.elasticips import ELASTIC_IP_CHECKS
from tandem.topology.propagation import PROPAGATION_CHECKS
from tandem.topology.routeserver import ROUTE_SERVER_CHECKS
from tandem.topology.worldchecks import worldcheck
from tests.topologies import (
    EIP,
    declared,
    in_words,
    inventory,
    of_server,
    shown,
    topology,
    warning_words,
    without,
)
from tests.unit.test_validation_elasticips import BROKEN as BROKEN_ELASTIC_IPS
from tests.unit.test_validation_propagation import BROKEN as BROKEN_PROPAGATION
from tests.unit.test_validation_routeserver import BROKEN as BROKEN_ROUTE_SERVER

FIRST = "groups[0].elastic_ips[0]"


def test_nothing_is_wrong_with_the_example_where_aws_fits() -> None:
    assert in_words(worldcheck(topology(), inventory(), [topology()])) == []
    assert warning_words(topology(), inventory()) == []


def test_every_rule_is_shown_failing() -> None:
    rules = (*ROUTE_SERVER_CHECKS, *PROPAGATION_CHECKS, *ELASTIC_IP_CHECKS)
    silent = {rule.__name__ for rule in rules}
    broken = BROKEN_ROUTE_SERVER | BROKEN_PROPAGATION | BROKEN_ELASTIC_IPS
    for world, edits, _ in broken.values():
        wanted, bent = declared(*edits), world(inventory())
        silent -= {rule.__name__ for rule in rules if list(rule(wanted, bent))}
    assert silent == set()


def test_allowed_prefixes_that_nobody_can_judge_are_a_warning_for_each_appliance() -> None:
    allowed = [(f"appliances.{name}.allowed_prefixes", ["0.0.0.0/0"]) for name in ("fw1", "fw2")]
    unlogged = ("route_server.peer_logs", False)
    assert warning_words(declared(*allowed), inventory()) == []
    assert warning_words(declared(unlogged), inventory()) == []
    (warning,) = warning_words(declared(unlogged, allowed[1]), inventory())
    assert warning.startswith("appliances.fw2.allowed_prefixes: with route_server.peer_logs: false, Tandem")
    assert len(warning_words(declared(unlogged, *allowed), inventory())) == 2


def test_notifications_that_are_off_are_a_warning() -> None:
    quiet = of_server(sns_topic_arn=None)(inventory())
    assert in_words(worldcheck(topology(), quiet, [])) == []
    assert "SNS notifications off" in warning_words(topology(), quiet)[0]
    assert warning_words(declared(("route_server.sns_notifications", False)), quiet) == []


def test_a_peer_of_nobody_is_a_warning() -> None:
    stray = lambda world: replace(  # noqa: E731
        world,
        reading=replace(
            shown(world),
            peers=(
                *shown(world).peers,
                replace(shown(world).peers[0], peer_id="rsp-x", peer_address="10.0.1.77"),
            ),
        ),
    )
    assert in_words(worldcheck(topology(), stray(inventory()), [])) == []
    assert (
        "rsp-x (10.0.1.77) is a peer of no declared appliance"
        in warning_words(topology(), stray(inventory()))[0]
    )


def test_an_unknown_route_server_hides_no_other_problem() -> None:
    blind = replace(without("elastic_ips", f"{EIP}1")(inventory()), reading=None)
    assert {"route_server.id", f"{FIRST}.allocation_id"} <= {
        p.path for p in worldcheck(topology(), blind, [])
    }


def test_a_group_without_elastic_ips_is_fine() -> None:
    watched = declared(("groups.0.elastic_ips", []))
    assert in_words(worldcheck(watched, inventory(), [])) == []
