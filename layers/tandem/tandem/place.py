"""Describes where a function runs: partition, Region and account, and the ARNs that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tandem.errors import ConfigurationError

_OTHER_SUFFIXES = {
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}
"""DNS suffixes of partitions that have not `amazonaws.com`, as in the SDK's partitions.json."""


@dataclass(frozen=True, slots=True)
class Place:
    """Holds one partition, Region and account."""

    partition: str
    region: str
    account: str

    @classmethod
    def of(cls, arn: str) -> Self:
        """Returns the place of anything that has an ARN, such as the function itself. Raises
        ConfigurationError.
        """
        parts = arn.split(":")
        if len(parts) < 6 or parts[0] != "arn":
            raise ConfigurationError(
                f"{arn!r} is no ARN, so it is not clear in which account and Region this runs"
            )
        return cls(partition=parts[1], region=parts[3], account=parts[4])

    def __str__(self) -> str:
        return f"account {self.account}, Region {self.region}"

    @property
    def dns_suffix(self) -> str:
        return _OTHER_SUFFIXES.get(self.partition, "amazonaws.com")

    def peer(self, peer_id: str) -> str:
        return self._arn("ec2", f"route-server-peer/{peer_id}")

    def function(self, name: str) -> str:
        """Returns the function's ARN, of its name or of that ARN."""
        return name if name.startswith("arn:") else self._arn("lambda", f"function:{name}")

    def log_group(self, name: str) -> str:
        """Returns the log group's ARN without the `:*` that CloudFormation's has; of its name or of that
        ARN.
        """
        return name.removesuffix(":*") if name.startswith("arn:") else self._arn("logs", f"log-group:{name}")

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"
