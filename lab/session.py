"""Clients for the AWS that runs on this machine, and nothing of the caller's own AWS configuration."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT_ID = "123456789012"
# ministack takes an access key ID of twelve digits for the root of the account with that number
ACCESS_KEY_ID = ACCOUNT_ID
SECRET_ACCESS_KEY = "lab"  # noqa: S105 no secret: the lab listens on 127.0.0.1 and holds nothing

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=70,  # an invocation of the longest function, a minute, and its answer
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=50,
    proxies={},
)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Says where the lab listens: EC2, and CloudTrail, which tells what EC2 was asked, are the emulated
    Route Server's, everything else is ministack's.
    """

    aws: str
    ec2: str

    def of(self, service: str) -> str:
        return self.ec2 if service in ("ec2", "cloudtrail") else self.aws

    def environment(self) -> dict[str, str]:
        """Returns what a process needs to find the lab, and to find nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.aws,
            "AWS_ENDPOINT_URL_EC2": self.ec2,
            "AWS_ENDPOINT_URL_CLOUDTRAIL": self.ec2,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1"))),
        }


class Session(boto3.session.Session):
    """boto3's own session with the lab's endpoints: a subclass keeps the stubs' types for every client."""

    def __init__(self, endpoints: Endpoints) -> None:
        isolated = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        super().__init__(
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            region_name=REGION,
            botocore_session=isolated,
        )
        self._endpoints = endpoints

    if not TYPE_CHECKING:

        def client(self, service_name: str, **options: Any) -> Any:  # noqa: ANN401
            options = {"endpoint_url": self._endpoints.of(service_name), "config": _CONFIG} | options
            return super().client(service_name, **options)
