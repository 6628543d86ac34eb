"""From live state to a document: what is clear is in it, what is not is said, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from cli.discovery.document import discover
from cli.discovery.snapshot import Snapshot, UndiscoverableError
from tandem.model import (
    ElasticIp,
    Holder,
    Liveness,
    NetworkInterface,
    PrivateAddress,
    RouteStatus,
    RoutingDatabase,
)
from tandem.topology.inventory import Subnet
from tandem.topology.shape import validate
from tests.snapshots import (
    INSTANCES,
    SERVER,
    allocation,
    edge,
    elastic_ip,
    endpoint,
    interface,
    peer,
    reading,
    route,
)
from tests.topologies import EXAMPLE

EDGE = edge()


def moving(snapshot: Snapshot) -> dict[str, dict[str, str]]:
    """Each declared Elastic IP's private IP by appliance."""
    groups = discover(snapshot).document["groups"]
    return {
        e["allocation_id"]: {name: target["private_ip"] for name, target in e["targets"].items()}
        for group in groups
        for e in group["elastic_ips"]
    }


def remark(snapshot: Snapshot, *, about: str) -> str:
    [found] = [words for words in discover(snapshot).remarks if about in words]
    return found


def test_the_edge_is_the_example_word_for_word() -> None:
    found = discover(EDGE)
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    assert found.document == {**example, "mode": "dry-run", "manage": False}
    assert found.remarks == ()


def test_the_same_snapshot_in_another_order_is_the_same_document() -> None:
    turned = replace(
        reading(EDGE, endpoints=EDGE.reading.endpoints[::-1], peers=EDGE.reading.peers[::-1]),
        interfaces=EDGE.interfaces[::-1],
        elastic_ips=EDGE.elastic_ips[::-1],
        database=RoutingDatabase(EDGE.database.routes[::-1]),
    )
    first, second = discover(EDGE), discover(turned)
    assert yaml.safe_dump(first.document, sort_keys=False) == yaml.safe_dump(second.document, sort_keys=False)


def test_persistence_and_silence_are_declared_where_they_are_not_the_default() -> None:
    server = replace(SERVER, notifies=False, persist_state="enabled", persist_minutes=3)
    declared = discover(reading(EDGE, server=server)).document["route_server"]
    assert (declared["persist_routes"], declared["sns_notifications"]) == (3, False)


def test_a_persistence_that_is_off_is_not_declared_though_aws_shows_its_minutes() -> None:
    server = replace(SERVER, persist_state="disabled", persist_minutes=1)
    assert "persist_routes" not in discover(reading(EDGE, server=server)).document["route_server"]


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({"Name": "Zone 1 (a)"}, "Zone-1-a"),
        ({"Name": "mine", "tandem:endpoint": "az1-a"}, "az1-a"),
        ({"Owner": "kim"}, "us-east-1a-a"),
        ({"Name": "---"}, "us-east-1a-a"),
    ],
)
def test_an_endpoint_is_called_by_its_tags_else_by_its_zone(tags: dict[str, str], name: str) -> None:
    first = endpoint("az1-a", 1, **tags)
    wanted = reading(EDGE, endpoints=(first,), peers=(peer("1a", "az1-a", "10.0.1.10", 65001),))
    [(found, _)] = discover(wanted).document["appliances"]["fw1"]["peers"].items()
    assert found == name


def test_two_endpoints_of_one_name_have_two_names() -> None:
    twins = tuple(replace(e, tags=(("Name", "rs"),)) for e in EDGE.reading.endpoints)
    names = list(discover(reading(EDGE, endpoints=twins)).document["route_server"]["endpoints"])
    assert names == ["rs", "us-east-1a-b", "us-east-1b-a", "us-east-1b-b"]


def test_a_device_without_an_instance_is_known_by_its_next_hop() -> None:
    stranger = peer("x", "az1-b", "10.0.1.77", 65009)
    found = discover(reading(EDGE, peers=(*EDGE.reading.peers, stranger)))
    declared = found.document["appliances"]["appliance-10-0-1-77"]
    assert (declared["next_hops"], declared["asn"]) == (["10.0.1.77"], 65009)
    assert "instance_id" not in declared
    assert validate(found.document) == []


def test_two_instances_of_one_name_are_two_appliances() -> None:
    twins = replace(EDGE, instance_names=dict.fromkeys(INSTANCES.values(), "fw"))
    assert list(discover(twins).document["appliances"]) == [f"appliance-{INSTANCES[2]}", "fw"]


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (peer("odd", "az2-a", "10.0.1.10", 65009), "it has ASN 65009 and bfd, fw1 has 65001 and bfd"),
        (peer("odd", "az2-a", "10.0.1.10", 65001, Liveness.BGP_KEEPALIVE), "bgp-keepalive, fw1 has 65001"),
        (peer("odd", "az1-a", "10.0.1.20", 65001), "fw1 has another session at az1-a"),
        (peer("odd", "az9-z", "10.0.1.10", 65001), "its endpoint rse-az9-z does not exist"),
        (peer("odd", "az2-a", "10.0.1.10", 65000), "it has the route server's own ASN, 65000"),
    ],
)
def test_a_session_that_no_declaration_can_say_is_left_out_and_said(odd, why: str) -> None:
    bent = reading(EDGE, peers=(*EDGE.reading.peers, odd))
    assert why in remark(bent, about="rsp-odd is left out")
    assert discover(bent).document == discover(EDGE).document


def test_prefixes_of_several_owners_are_groups_of_their_own() -> None:
    one, two = EDGE.reading.peers[0], EDGE.reading.peers[2]
    routes = [
        route("10.8.0.0/16", one, chosen=True),
        route("10.8.0.0/16", two, chosen=False),
        route("10.9.0.0/16", two, chosen=True),
        route("10.9.0.0/16", one, chosen=False),
    ]
    split = replace(EDGE, database=RoutingDatabase(tuple(routes)))
    found = discover(split)
    assert [(g["name"], g["prefixes"]) for g in found.document["groups"]] == [
        ("group-1", ["10.8.0.0/16"]),
        ("group-2", ["10.9.0.0/16"]),
    ]
    assert "2 appliances own routes now (fw1, fw2)" in " ".join(found.remarks)
    assert validate(found.document) == []


def test_a_prefix_that_goes_to_a_stranger_is_left_out() -> None:
    lost = replace(EDGE.database.routes[0], prefix="10.8.0.0/16", next_hop="10.0.9.9")
    strange = replace(EDGE, database=RoutingDatabase((*EDGE.database.routes, lost)))
    assert "it goes to 10.0.9.9" in remark(strange, about="10.8.0.0/16 is left out")
    assert discover(strange).document == discover(EDGE).document


def test_a_prefix_that_only_one_advertises_is_tracked_and_said() -> None:
    alone = replace(EDGE, database=RoutingDatabase(EDGE.database.routes[:1]))
    assert remark(alone, about="only fw1 advertises 0.0.0.0/0")
    assert discover(alone).document["groups"][0]["prefixes"] == ["0.0.0.0/0"]


def test_a_target_is_the_address_at_the_same_place_of_its_subnet() -> None:
    assert moving(EDGE)[allocation(3)] == {"fw1": "10.0.1.22", "fw2": "10.0.2.22"}


def test_an_address_with_another_elastic_ip_is_no_target() -> None:
    full = interface(2, {"10.0.2.10": None, "10.0.2.20": 9, "10.0.2.21": None})
    bent = replace(EDGE, interfaces=(EDGE.interfaces[0], full))
    assert allocation(1) not in moving(bent)
    assert "no free private address that matches 10.0.1.20" in remark(bent, about=allocation(1))


def test_the_only_spare_address_is_the_target_of_the_only_elastic_ip() -> None:
    spare = interface(2, {"10.0.2.10": None, "10.0.2.99": None})
    one = replace(EDGE, interfaces=(EDGE.interfaces[0], spare), elastic_ips=EDGE.elastic_ips[:1])
    assert moving(one) == {allocation(1): {"fw1": "10.0.1.20", "fw2": "10.0.2.99"}}


def test_one_spare_address_for_two_elastic_ips_is_nobodys() -> None:
    spare = interface(2, {"10.0.2.10": None, "10.0.2.99": None})
    two = replace(EDGE, interfaces=(EDGE.interfaces[0], spare), elastic_ips=EDGE.elastic_ips[:2])
    assert moving(two) == {}
    assert "could match several Elastic IPs" in remark(two, about=allocation(2))


def test_two_spare_addresses_are_no_choice_that_a_machine_should_make() -> None:
    spare = interface(2, {"10.0.2.10": None, "10.0.2.98": None, "10.0.2.99": None})
    two = replace(EDGE, interfaces=(EDGE.interfaces[0], spare), elastic_ips=EDGE.elastic_ips[:1])
    assert moving(two) == {}
    assert "10.0.2.98, 10.0.2.99" in remark(two, about=allocation(1))


def test_a_clear_match_is_not_disturbed_by_an_unclear_one() -> None:
    mixed = interface(2, {"10.0.2.10": None, "10.0.2.20": None})
    two = replace(EDGE, interfaces=(EDGE.interfaces[0], mixed), elastic_ips=EDGE.elastic_ips[:2])
    assert moving(two) == {allocation(1): {"fw1": "10.0.1.20", "fw2": "10.0.2.20"}}


def test_a_primary_or_peering_address_is_never_taken_as_spare() -> None:
    bare = interface(2, {"10.0.2.5": None, "10.0.2.10": None})
    one = replace(EDGE, interfaces=(EDGE.interfaces[0], bare), elastic_ips=EDGE.elastic_ips[:1])
    assert moving(one) == {}


FORTINET = (("public", 1, 0), ("private", 2, 1))
"""The subnets of a unit: the third part of their addresses, the device index of the interface there."""


def several_interfaces(
    units: dict[int, tuple[tuple[str, int, int], ...]], public: frozenset[str] | None, hosts: tuple[int, ...]
) -> Snapshot:
    """Units with an interface in each of several subnets, and the same hosts in each; fw1 has the Elastic IPs
    on its `public` one, and all peer from their `private` one.
    """
    interfaces, subnets, peers = [], {}, []
    for unit, wiring in units.items():
        for role, third, index in wiring:
            subnet, eni = f"subnet-{role}{unit}", f"eni-{role}{unit}"
            prefix = f"10.{unit}.{third}"
            held = role == "public" and unit == 1
            addresses = tuple(
                PrivateAddress(
                    f"{prefix}.{host}",
                    f"192.0.2.{n}" if held else None,
                    allocation(n) if held else None,
                )
                for n, host in enumerate(hosts, start=1)
            )
            interfaces.append(
                NetworkInterface(eni, subnet, INSTANCES[unit], addresses=addresses, device_index=index)
            )
            subnets[subnet] = Subnet(subnet, EDGE.vpc_id, f"{prefix}.0/24", zone=f"us-east-1{'xab'[unit]}")
            if role == "private":
                peers.append(peer(str(unit), f"az{unit}-a", f"{prefix}.{hosts[0]}", 65000 + unit))
    return replace(
        reading(EDGE, peers=tuple(peers)),
        interfaces=tuple(interfaces),
        subnets={**EDGE.subnets, **subnets},
        elastic_ips=tuple(
            ElasticIp(allocation(n), f"192.0.2.{n}", Holder("eni-public1", f"10.1.1.{host}", f"eipassoc-{n}"))
            for n, host in enumerate(hosts, start=1)
        ),
        database=RoutingDatabase(tuple(route("0.0.0.0/0", p, chosen=p.peer_id == "rsp-1") for p in peers)),
        public_subnets=public,
    )


BOTH_PUBLIC = frozenset({"subnet-public1", "subnet-public2"})
TURNED = (("public", 1, 1), ("private", 2, 0))
MANAGED = (("public", 1, 0), ("private", 2, 1), ("mgmt", 3, 2))


@pytest.mark.parametrize(
    ("units", "public"),
    [
        ({1: FORTINET, 2: FORTINET}, BOTH_PUBLIC),
        ({1: FORTINET, 2: FORTINET}, None),
        ({1: FORTINET, 2: FORTINET}, frozenset()),
        ({1: FORTINET, 2: TURNED}, BOTH_PUBLIC),
        ({1: MANAGED, 2: MANAGED}, BOTH_PUBLIC | {"subnet-mgmt1", "subnet-mgmt2"}),
    ],
    ids=["the pair", "no route tables", "no gateway", "wired the other way", "a public management subnet"],
)
@pytest.mark.parametrize("hosts", [(10,), (10, 11)], ids=["one", "two"])
def test_of_an_address_in_each_subnet_the_one_beside_the_internet_gateway_is_the_target(
    units: dict[int, tuple[tuple[str, int, int], ...]], public: frozenset[str] | None, hosts: tuple[int, ...]
) -> None:
    pair = several_interfaces(units, public, hosts)
    assert moving(pair) == {
        allocation(n): {"fw1": f"10.1.1.{host}", "fw2": f"10.2.1.{host}"} for n, host in enumerate(hosts, 1)
    }
    assert [words for words in discover(pair).remarks if "left out" in words] == []


def test_an_address_without_a_way_to_the_internet_gateway_is_no_target() -> None:
    """Not even the only one, nor a spare one: an Elastic IP does nothing there."""
    inside = (("private", 2, 0),)
    one = several_interfaces({1: FORTINET, 2: inside}, frozenset({"subnet-public1"}), (10,))
    assert moving(one) == {}
    assert "fw2 has no free private address that matches 10.1.1.10" in remark(one, about=allocation(1))
    assert "where the subnet's route table leads to an internet gateway" in remark(one, about=allocation(1))


def test_two_public_interfaces_of_one_index_are_no_choice_that_a_machine_should_make() -> None:
    both = (("public", 1, 1), ("private", 2, 1))
    every = frozenset({"subnet-public1", "subnet-public2", "subnet-private1", "subnet-private2"})
    pair = several_interfaces({1: FORTINET, 2: both}, every, (10,))
    assert moving(pair) == {}
    assert "10.2.1.10, 10.2.2.10" in remark(pair, about=allocation(1))


def test_what_an_aws_service_manages_is_left_out() -> None:
    its = [
        replace(a, service_managed="nlb" if a.allocation_id == allocation(2) else None)
        for a in EDGE.elastic_ips
    ]
    managed = replace(EDGE, elastic_ips=tuple(its))
    assert allocation(2) not in moving(managed)
    assert "nlb manages it" in remark(managed, about=allocation(2))


def test_what_is_on_an_appliance_that_owns_nothing_is_left_out() -> None:
    stray = elastic_ip(7, 2, "10.0.2.20")
    bent = replace(EDGE, elastic_ips=(*EDGE.elastic_ips, stray))
    assert "it is on fw2, which owns no route now" in remark(bent, about=allocation(7))


def test_three_appliances_need_a_target_on_each() -> None:
    third = interface(3, {"10.0.3.10": None, "10.0.3.20": None})
    three = replace(
        reading(
            EDGE,
            endpoints=(*EDGE.reading.endpoints, endpoint("az3-a", 3)),
            peers=(*EDGE.reading.peers, peer("3a", "az3-a", "10.0.3.10", 65003)),
        ),
        interfaces=(*EDGE.interfaces, third),
        instance_names={**EDGE.instance_names, INSTANCES[3]: "fw3"},
    )
    assert moving(three) == {allocation(1): {"fw1": "10.0.1.20", "fw2": "10.0.2.20", "fw3": "10.0.3.20"}}
    assert len([words for words in discover(three).remarks if "fw3 has no free" in words]) == 3
    assert validate(discover(three).document) == []


def test_nobody_to_declare_is_an_error_that_says_why() -> None:
    with pytest.raises(UndiscoverableError, match="no peer that could be declared: there is nothing"):
        discover(reading(EDGE, peers=()))
    own = tuple(replace(p, asn=65000) for p in EDGE.reading.peers[:1])
    with pytest.raises(UndiscoverableError, match="the route server's own ASN"):
        discover(reading(EDGE, peers=own))


def test_no_chosen_route_is_an_error_that_says_so() -> None:
    learned = tuple(replace(r, status=RouteStatus.IN_RIB) for r in EDGE.database.routes)
    with pytest.raises(UndiscoverableError, match="nothing to track"):
        discover(replace(EDGE, database=RoutingDatabase(learned)))
