"""The levers of a running lab, over HTTP: what befalls appliances, sessions and EC2, and what can be seen."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_SECONDS = 15.0

Outcome = dict[str, Any]


class LeverRefused(Exception):  # noqa: N818 said by the lab, in its words
    """The lab understood and refused; the message says what is wrong and what would be right."""


class NoLab(Exception):  # noqa: N818
    """Nobody answers at this address."""


class Levers:
    """`POST /lab/<lever>` with JSON arguments, `GET /lab/<view>`; lab.ec2.levers says what each does."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def world(self) -> Outcome:
        """Returns who owns and who holds what."""
        return dict(self._ask("world"))

    def requests(self, since: int = 0) -> list[Outcome]:
        """Every EC2 request after number `since`, in order of arrival."""
        return list(self._ask(f"requests?since={since}")["requests"])

    def register(
        self, name: str, instance_id: str, asn: int, routes: Sequence[Mapping[str, Any]], bfd: bool = True
    ) -> Outcome:
        return self.pull(
            "register", name=name, instance_id=instance_id, asn=asn, routes=list(routes), bfd=bfd
        )

    def kill(self, name: str, stop_instance: bool = False) -> Outcome:
        return self.pull("kill", name=name, stop_instance=stop_instance)

    def restore(self, name: str) -> Outcome:
        return self.pull("restore", name=name)

    def shutdown(self, name: str) -> Outcome:
        return self.pull("shutdown", name=name)

    def session(self, name: str, endpoint: str, state: str, protocol: str = "both") -> Outcome:
        return self.pull("session", name=name, endpoint=endpoint, state=state, protocol=protocol)

    def advertise(
        self,
        name: str,
        prefix: str,
        as_path: Sequence[int] | None = None,
        med: int = 0,
        next_hop: str | None = None,
    ) -> Outcome:
        path = list(as_path) if as_path is not None else None
        return self.pull("advertise", name=name, prefix=prefix, as_path=path, med=med, next_hop=next_hop)

    def withdraw(self, name: str, prefix: str) -> Outcome:
        return self.pull("withdraw", name=name, prefix=prefix)

    def maintenance(self, endpoint: str, seconds: float) -> Outcome:
        return self.pull("maintenance", endpoint=endpoint, seconds=seconds)

    def instance(self, name: str, state: str) -> Outcome:
        return self.pull("instance", name=name, state=state)

    def fault(self, action: str, **trouble: object) -> Outcome:
        return self.pull("fault", action=action, **trouble)

    def faults_clear(self) -> Outcome:
        return self.pull("faults_clear")

    def associate_as_stranger(
        self, allocation_id: str, network_interface_id: str, private_ip: str
    ) -> Outcome:
        return self.pull(
            "associate_as_stranger",
            allocation_id=allocation_id,
            network_interface_id=network_interface_id,
            private_ip=private_ip,
        )

    def pull(self, lever: str, **arguments: object) -> Outcome:
        """Any lever by name; what is None is not sent."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return dict(self._ask(lever, given))

    def _ask(self, path: str, body: object = None) -> Any:  # noqa: ANN401 JSON, as the lab answers
        data = None if body is None else json.dumps(body).encode()
        address = f"{self.url}/lab/{path}"
        try:
            request = urllib.request.Request(address, data=data, headers={"Content-Type": "application/json"})
        except ValueError as error:
            raise NoLab(f"{self.url!r} is no address of a lab, http://127.0.0.1:<port>") from error
        try:
            with _OPENER.open(request, timeout=_SECONDS) as answer:
                said = answer.read()
        except urllib.error.HTTPError as error:
            raise LeverRefused(_reason(error.read().decode())) from error
        except (OSError, http.client.HTTPException) as error:  # it may also end in the middle of an answer
            raise NoLab(f"nobody answers at {self.url}: {getattr(error, 'reason', error)}") from error
        try:
            return json.loads(said)
        except ValueError as error:
            raise NoLab(f"what answers at {self.url} is no lab: it does not speak JSON") from error


def _reason(body: str) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return body
