"""Describes where moto sends EC2 requests to."""

from __future__ import annotations

from lab.ec2.responses import LabEC2Response

url_bases = [r"https?://ec2\.(.+)\.amazonaws\.com(|\.cn)"]

url_paths = {"{0}/": LabEC2Response.dispatch}
