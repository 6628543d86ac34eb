"""The layer as `sam build` makes it: complete without the environment that built it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cloud import TEMPLATE
from lab.deploy import build
from tests.tiers import smoke

pytestmark = smoke

SITE = Path(sys.prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
# what the Lambda runtime brings: boto3 and what boto3 needs
RUNTIME = ("boto3", "botocore", "s3transfer", "dateutil", "urllib3", "six.py")
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path[:0] = sys.argv[1:]
import tandem
names = [module.name for module in pkgutil.walk_packages(tandem.__path__, "tandem.")]
for name in names:
    importlib.import_module(name)
print(len(names), tandem.__file__)
"""


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    return build(TEMPLATE, tmp_path_factory.mktemp("sam")).parent / "TandemLayer" / "python"


def test_the_package_needs_nothing_but_the_layer_and_the_runtime(layer, tmp_path):
    for name in RUNTIME:
        (tmp_path / name).symlink_to(SITE / name)
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(layer), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath},
    )
    assert finished.returncode == 0, finished.stderr
    count, where = finished.stdout.split()
    assert int(count) > 10
    assert Path(where).is_relative_to(layer)


def test_everything_in_it_is_pure_python_and_small(layer):
    files = [path for path in layer.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix in {".so", ".pyd", ".dylib"}] == []
    assert sum(path.stat().st_size for path in files) < 20_000_000


def test_the_schemas_are_in_it(layer):
    assert list((layer / "tandem").rglob("*.json"))
