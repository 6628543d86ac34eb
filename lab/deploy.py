"""Builds and deploys the repository's template with the real SAM CLI, into the lab."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from lab.session import REGION

ROOT = Path(__file__).resolve().parent.parent
SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILDS = ROOT / ".lab" / "build"
BUILDS_KEPT = 3
BUILD_SECONDS = 300
DEPLOY_SECONDS = 300


class DeployError(Exception):
    """The SAM CLI is missing, or it failed; the message holds what it said."""


def build(template: Path, files: Path) -> Path:
    """The built template. Only the layer is built, functions are taken as they are: while neither it nor the
    template has changed, the build of the last time serves."""
    target = BUILDS / _fingerprint(template)
    if not (target / "template.yaml").exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        # bytecode for the Python that runs the functions here, not for the one that runs them on AWS
        environment = dict(os.environ) | {"PYTHON": sys.executable, "COMPILE_WITH": sys.executable}
        try:
            _sam(
                "build",
                ["--template-file", str(template), "--build-dir", str(unfinished)],
                environment | _own_files(files),
                BUILD_SECONDS,
            )
            _settle(unfinished, target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    os.utime(target)
    _forget_old_builds()
    return target / "template.yaml"


def deploy(built: Path, environment: Mapping[str, str], parameters: Mapping[str, str], files: Path) -> None:
    """`sam deploy` with the settings that samconfig.toml keeps under [lab]."""
    arguments = ["--template-file", str(built), "--region", REGION]
    arguments += ["--config-file", str(ROOT / "samconfig.toml"), "--config-env", "lab"]
    if parameters:
        arguments += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    _sam("deploy", arguments, dict(environment) | _own_files(files), DEPLOY_SECONDS)


def _sam(command: str, arguments: list[str], environment: dict[str, str], seconds: int) -> None:
    if not SAM.exists():
        raise DeployError(f"{SAM.relative_to(ROOT)} is missing: run `make setup`")
    running = subprocess.Popen(
        [SAM, command, *arguments],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a process group of its own, with the make and pip that it starts
    )
    try:
        output, _ = running.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise DeployError(f"sam {command} took more than {seconds} s") from error
    finally:
        if running.returncode is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    if running.returncode != 0:
        raise DeployError(f"sam {command} failed ({running.returncode}):\n{output}")


def _own_files(files: Path) -> dict[str, str]:
    """It reports to nobody, writes nothing into the user's home, and looks at the stack twice a second.

    Its temporary files, and those of the pip that it starts, go with the lab's: it may be killed.
    """
    temporary = files / "sam" / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(files / "sam"),
        "SAM_CLI_POLL_DELAY": "0.5",
        "TMPDIR": str(temporary),
    }


def _settle(unfinished: Path, target: Path) -> None:
    """Another lab may have built the same meanwhile: whoever renames first wins, the contents are equal."""
    try:
        unfinished.rename(target)
    except OSError:
        if not (target / "template.yaml").exists():
            raise


def _fingerprint(template: Path) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in [template, *_layer_sources(template.parent)]:
        digest.update(f"{path.name}\0{path.stat().st_mode & 0o777}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _layer_sources(root: Path) -> Iterator[Path]:
    for path in sorted((root / "layers").rglob("*")):
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.parts[-3:]):
            yield path


def _forget_old_builds() -> None:
    builds = sorted(
        filter(Path.is_dir, BUILDS.iterdir()), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for old in builds[BUILDS_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
