"""Instances and tags over the wire, where moto's answers differ."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from lab.ec2.dispatch import DispatchedResponse
from lab.ec2.paging import checked_size, known_token
from lab.ec2.reserved import TAG_PREFIX


class InstanceActions(DispatchedResponse):
    def run_instances(self) -> ActionResult:
        """moto does not read DisableApiTermination."""
        made = super().run_instances()
        reservation: Any = made.result
        for instance in reservation.instances:
            instance.disable_api_termination = bool(self._get_param("DisableApiTermination"))
        return made

    def describe_instances(self) -> ActionResult:
        """moto pages without bounds, by the reservation that came last. EC2 wants 5 at least
        (https://github.com/aws/aws-sdk-ruby/pull/2575); the most is taken from its neighbours."""
        checked_size(self.params.get("MaxResults"))
        known_token(self.params.get("NextToken"), self.region_state.backend.reservations)
        return super().describe_instances()

    def delete_tags(self) -> ActionResult:
        """Without tags, all but AWS's own, of which moto deletes none
        (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html)."""
        if self._get_param("Tags", []):
            return super().delete_tags()
        for resource_id in self._get_param("Resources", []):
            own = [key for key in self.region_state.tags(resource_id) if not key.startswith(TAG_PREFIX)]
            self.region_state.backend.delete_tag_keys([resource_id], own)
        return EmptyResult()
