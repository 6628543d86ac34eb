"""The layer as `sam build` makes it: complete without what built it, and without the SDK of AWS's runtime."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from lab.cloud import TEMPLATE, Cloud
from lab.deploy import ROOT, build
from tests import provisioning, stack
from tests.tiers import smoke

pytestmark = smoke

SITE = Path(sys.prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
ADAPTERS = ROOT / "layers" / "tandem" / "tandem" / "adapters"
VARIABLES = (
    provisioning.ENVIRONMENT
    | stack.ENVIRONMENT
    | {"TANDEM_NOTIFICATION_TOPIC": "people", "TANDEM_REPORT_BUCKET": "reports"}
    | {"TANDEM_QUEUES": "failover=queue"}
)
REGIONS = ("eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1")
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path[:0] = sys.argv[1:]
import tandem
for module in pkgutil.walk_packages(tandem.__path__, "tandem."):
    importlib.import_module(module.name)
for name in FUNCTIONS:
    importlib.import_module(name + ".app")
"""
WHERE = """
import json
print(json.dumps({name: getattr(module, "__file__", None) for name, module in sys.modules.items()}))
"""
DESCRIBE = """
import json, sys
sys.path[:0] = sys.argv[1:]
import botocore.session

class Sent(Exception):
    pass

def send(request, **_):
    raise Sent(request.url)

def asked(client, model):
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        if shape is None or not shape.required_members:
            try:
                getattr(client, botocore.xform_name(name))()
            except Sent as sent:
                return str(sent)

session = botocore.session.Session()
found = {}
for service in SERVICES:
    for region in REGIONS:
        client = session.create_client(service, region_name=region)
        client.meta.events.register("before-send", send)
        model = client.meta.service_model
        operations = {n: client.can_paginate(botocore.xform_name(n)) for n in model.operation_names}
        url = asked(client, model)
        found.setdefault(service, {"version": model.api_version, "operations": operations})[region] = url
print(json.dumps(found))
"""
REPORT = """
import sys
import botocore

def handler(event, context):
    return [botocore.__file__, [m for m in sys.modules if m == "boto3"]]
"""


def run(code: str, *folders: Path, **names: object) -> Any:
    """Runs the code in a Python that has nothing but its own library and these folders."""
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", given + code, *map(str, folders)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath} | VARIABLES,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def services() -> set[str]:
    """Returns the services of which the adapters make clients."""
    return {
        service
        for path in ADAPTERS.glob("*.py")
        for service in re.findall(r'\bmade\("([a-z0-9-]+)"', path.read_text(encoding="utf-8"))
    }


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(TEMPLATE, tmp_path_factory.mktemp("sam")).parent / "TandemLayer" / "python"


def test_every_function_needs_nothing_but_the_layer(layer: Path) -> None:
    """Nothing imports the runtime's boto3, which would find a botocore of another version."""
    modules = run(IMPORT_ALL + WHERE, layer, ROOT / "functions", FUNCTIONS=FUNCTIONS)
    assert {f"{name}.app" for name in FUNCTIONS} <= modules.keys()
    for name in ("tandem", "botocore", "urllib3", "dateutil", "jmespath", "six"):
        assert Path(modules[name]).is_relative_to(layer)
    assert "boto3" not in modules


def test_the_layer_describes_the_services_that_the_functions_call_and_no_others(layer: Path) -> None:
    data = layer / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == services()
    assert all(len(list((data / service).iterdir())) == 1 for service in services())


def test_each_service_is_what_the_tests_ran_on(layer: Path) -> None:
    """The same version, operations, pages and endpoints as with all of botocore, in every partition."""
    given = {"SERVICES": sorted(services()), "REGIONS": REGIONS}
    described = run(DESCRIBE, layer, **given)
    assert described == run(DESCRIBE, SITE, **given)
    assert described["ec2"]["cn-north-1"] == "https://ec2.cn-north-1.amazonaws.com.cn/"
    assert described["sns"]["us-gov-west-1"] == "https://sns.us-gov-west-1.amazonaws.com/"


def test_everything_in_it_is_pure_python_and_small(layer: Path) -> None:
    files = [path for path in layer.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix in {".so", ".pyd", ".dylib"}] == []
    assert sum(path.stat().st_size for path in files) < 20_000_000


def test_the_schemas_are_in_it(layer: Path) -> None:
    assert list((layer / "tandem").rglob("*.json"))


def test_the_deployed_functions_run_on_the_layers_sdk(cloud: Cloud) -> None:
    functions = cloud.session.client("lambda")
    like = functions.get_function_configuration(FunctionName=cloud.resources["FailoverFunction"])
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", REPORT)
    functions.create_function(
        FunctionName="report",
        Runtime=like["Runtime"],
        Role=like["Role"],
        Handler="app.handler",
        Layers=[layer["Arn"] for layer in like["Layers"]],
        Code={"ZipFile": packed.getvalue()},
    )
    try:
        answer = functions.invoke(FunctionName="report", Payload=b"{}")
        where, runtime = json.loads(answer["Payload"].read())
    finally:
        functions.delete_function(FunctionName="report")
    assert "/layer_" in where
    assert runtime == []
