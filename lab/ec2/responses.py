"""The actions that the lab adds to moto's EC2, or answers in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moto.core.responses import ActionResult

from lab.ec2 import endpoints, outbox, route_servers, views
from lab.ec2.address_responses import AddressActions
from lab.ec2.dispatch import DispatchedResponse
from lab.ec2.errors import UnknownAwsBehaviour, fail, not_associated, not_propagated
from lab.ec2.filters import filtered
from lab.ec2.instance_responses import InstanceActions
from lab.ec2.network_responses import NetworkActions
from lab.ec2.paging import page


class RouteServerActions(DispatchedResponse):
    """The 17 operations (docs/aws-facts.md#operations)."""

    def _put_tags(self, resource_id: str, kind: str) -> None:
        tags = self._parse_tag_specification(kind).get(kind, {})
        if tags:
            self.region_state.backend.create_tags([resource_id], tags)

    def create_route_server(self) -> ActionResult:
        region, token = self.region_state, self._get_param("ClientToken")
        request = {key: value for key, value in self.params.items() if key != "ClientToken"}
        made = endpoints.with_client_token(region, "CreateRouteServer", token, request)
        if made is None:
            self._parse_tag_specification("route-server")
            server = route_servers.create(
                region,
                asn=self._get_param("AmazonSideAsn"),
                persist=self._get_param("PersistRoutes"),
                minutes=self._get_param("PersistRoutesDuration"),
                sns=self._get_param("SnsNotificationsEnabled", False),
            )
            made = server.id
            self._put_tags(made, "route-server")
            endpoints.with_client_token(region, "CreateRouteServer", token, request, made)
        return ActionResult({"RouteServer": views.route_server_row(region, region.route_server(made))})

    def modify_route_server(self) -> ActionResult:
        region = self.region_state
        server = route_servers.modify(
            region,
            region.route_server(self.required("RouteServerId")),
            persist=self._get_param("PersistRoutes"),
            minutes=self._get_param("PersistRoutesDuration"),
            sns=self._get_param("SnsNotificationsEnabled"),
        )
        row = views.route_server_row(region, server)
        if server.sns and not server.topic_arn:
            # In the answer already: Terraform takes it from there (hashicorp/terraform-provider-aws,
            # internal/service/ec2/vpc_route_server.go, and its acceptance test finds it set).
            row["SnsTopicArn"] = outbox.expected_topic_arn(region, server.id)
        return ActionResult({"RouteServer": row})

    def delete_route_server(self) -> ActionResult:
        region = self.region_state
        server = route_servers.delete(region, region.route_server(self.required("RouteServerId")))
        return ActionResult({"RouteServer": views.route_server_row(region, server)})

    def describe_route_servers(self) -> ActionResult:
        return self._described("DescribeRouteServers", "RouteServers", "RouteServerId", "RouteServerIds")

    def _described(self, action: str, key: str, id_key: str, ids_param: str) -> ActionResult:
        region = self.region_state
        rows = views.view(region, action)
        wanted: Sequence[str] = self._get_param(ids_param, [])
        known = {row[id_key] for row in rows}
        for resource_id in wanted:
            if resource_id not in known:
                raise fail(f"Invalid{id_key}.NotFound", f"The {id_key} '{resource_id}' does not exist")
        chosen = [row for row in rows if not wanted or row[id_key] in wanted]
        shown, token = page(filtered(action, chosen, self.filters()), self.params)
        return ActionResult({key: shown, "NextToken": token})

    def associate_route_server(self) -> ActionResult:
        region = self.region_state
        server = region.route_server(self.required("RouteServerId"))
        route_servers.associate(region, server, self.required("VpcId"))
        return ActionResult({"RouteServerAssociation": self._association(server.id)})

    def disassociate_route_server(self) -> ActionResult:
        region = self.region_state
        server = region.route_server(self.required("RouteServerId"))
        route_servers.disassociate(region, server, self.required("VpcId"))
        return ActionResult({"RouteServerAssociation": self._association(server.id)})

    def _association(self, route_server_id: str) -> dict[str, Any]:
        server = self.region_state.route_server(route_server_id)
        return {"RouteServerId": server.id, "VpcId": server.vpc_id, "State": server.association}

    def get_route_server_associations(self) -> ActionResult:
        """None is an error, not an empty list (docs/aws-facts.md#route-server-errors)."""
        server = self.region_state.route_server(self.required("RouteServerId"))
        if server.association is None:
            raise not_associated(server.id)
        return ActionResult({"RouteServerAssociations": [self._association(server.id)]})

    def create_route_server_endpoint(self) -> ActionResult:
        region, token = self.region_state, self._get_param("ClientToken")
        request = {key: value for key, value in self.params.items() if key != "ClientToken"}
        made = endpoints.with_client_token(region, "CreateRouteServerEndpoint", token, request)
        if made is None:
            self._parse_tag_specification("route-server-endpoint")
            server = region.route_server(self.required("RouteServerId"))
            made = endpoints.create_endpoint(region, server, self.required("SubnetId")).id
            self._put_tags(made, "route-server-endpoint")
            endpoints.with_client_token(region, "CreateRouteServerEndpoint", token, request, made)
        return ActionResult({"RouteServerEndpoint": views.endpoint_row(region, region.endpoint(made))})

    def delete_route_server_endpoint(self) -> ActionResult:
        region = self.region_state
        endpoint = region.endpoint(self.required("RouteServerEndpointId"))
        endpoints.delete_endpoint(region, endpoint)
        return ActionResult({"RouteServerEndpoint": views.endpoint_row(region, endpoint)})

    def describe_route_server_endpoints(self) -> ActionResult:
        return self._described(
            "DescribeRouteServerEndpoints",
            "RouteServerEndpoints",
            "RouteServerEndpointId",
            "RouteServerEndpointIds",
        )

    def create_route_server_peer(self) -> ActionResult:
        region = self.region_state
        self._parse_tag_specification("route-server-peer")
        options = self._get_param("BgpOptions", {})
        peer = endpoints.create_peer(
            region,
            region.endpoint(self.required("RouteServerEndpointId")),
            address=self.required("PeerAddress"),
            asn=options.get("PeerAsn"),
            liveness=options.get("PeerLivenessDetection"),
        )
        self._put_tags(peer.id, "route-server-peer")
        return ActionResult({"RouteServerPeer": views.peer_row(region, peer)})

    def delete_route_server_peer(self) -> ActionResult:
        region = self.region_state
        peer = endpoints.delete_peer(region, region.peer(self.required("RouteServerPeerId")))
        return ActionResult({"RouteServerPeer": views.peer_row(region, peer)})

    def describe_route_server_peers(self) -> ActionResult:
        return self._described(
            "DescribeRouteServerPeers", "RouteServerPeers", "RouteServerPeerId", "RouteServerPeerIds"
        )

    def enable_route_server_propagation(self) -> ActionResult:
        return self._propagated(endpoints.enable_propagation)

    def disable_route_server_propagation(self) -> ActionResult:
        return self._propagated(endpoints.disable_propagation)

    def _propagated(self, change: Any) -> ActionResult:
        region = self.region_state
        server = region.route_server(self.required("RouteServerId"))
        table = self.required("RouteTableId")
        state = change(region, server, table)
        row = {"RouteServerId": server.id, "RouteTableId": table, "State": state}
        return ActionResult({"RouteServerPropagation": row})

    def get_route_server_propagations(self) -> ActionResult:
        """None is an error here as well (docs/aws-facts.md#route-server-errors)."""
        server = self.region_state.route_server(self.required("RouteServerId"))
        table = self._get_param("RouteTableId")
        rows = [
            {"RouteServerId": server.id, "RouteTableId": route_table_id, "State": state}
            for route_table_id, state in server.propagations.items()
            if table in (None, route_table_id)
        ]
        if not rows:
            raise not_propagated(server.id, table)
        return ActionResult({"RouteServerPropagations": rows})

    def get_route_server_routing_database(self) -> ActionResult:
        region = self.region_state
        server = region.route_server(self.required("RouteServerId"))
        if self.filters():
            raise UnknownAwsBehaviour(
                "GetRouteServerRoutingDatabase with Filters: their names are not documented"
            )
        database = views.view(region, "GetRouteServerRoutingDatabase").get(
            server.id, {"AreRoutesPersisted": False, "Routes": []}
        )
        shown, token = page(database["Routes"], self.params)
        return ActionResult({**database, "Routes": shown, "NextToken": token})


class LabEC2Response(RouteServerActions, AddressActions, NetworkActions, InstanceActions):
    """Everything else is moto's."""
