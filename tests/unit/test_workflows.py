"""The workflows name what exists, pin what they use, and hold each job to its time and its permissions."""

from __future__ import annotations

import re
import shlex
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = {path.stem: path for path in sorted((GITHUB / "workflows").glob("*.yml"))}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

PINNED = re.compile(r" +(?:- )?uses: (?P<action>[\w./-]+)@(?P<pin>[0-9a-f]{40} # v\d+\.\d+\.\d+)")
SHELL_OPERATORS = {"|", "||", "&&", ";", ">", ">>", "<", "2>&1", "&"}

WRITES = {
    ("codeql", "analyze"): {"security-events"},
    ("release", "attest"): {"attestations", "id-token"},
    ("release", "publish"): {"contents"},
}
"""The permissions to write, by job. No other job may write anything."""

TEXT = {"type": "string", "minLength": 1}
PERMISSIONS = {
    "type": "object",
    "propertyNames": {"enum": ["actions", "attestations", "contents", "id-token", "security-events"]},
    "additionalProperties": {"enum": ["read", "write"]},
}
STEP = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "id": TEXT,
        "if": TEXT,
        "uses": TEXT,
        "with": {"type": "object"},
        "run": TEXT,
        "env": {"type": "object"},
    },
    "additionalProperties": False,
    "oneOf": [{"required": ["uses"]}, {"required": ["run"]}],
    "dependentRequired": {"with": ["uses"]},
}
JOB = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "needs": {"type": ["string", "array"]},
        "runs-on": {"const": "ubuntu-24.04"},
        "timeout-minutes": {"type": "integer", "minimum": 1, "maximum": 180},
        "permissions": PERMISSIONS,
        "environment": TEXT,
        "outputs": {"type": "object"},
        "strategy": {"type": "object", "required": ["fail-fast", "matrix"]},
        "env": {"type": "object"},
        "steps": {"type": "array", "minItems": 1, "items": STEP},
    },
    "additionalProperties": False,
    "required": ["name", "runs-on", "timeout-minutes", "steps"],
}
WORKFLOW = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "on": {
            "type": "object",
            "propertyNames": {"enum": ["push", "pull_request", "schedule", "workflow_dispatch"]},
        },
        "permissions": PERMISSIONS,
        "concurrency": {"type": "object", "required": ["group", "cancel-in-progress"]},
        "defaults": {"const": {"run": {"shell": "bash"}}},
        "jobs": {"type": "object", "minProperties": 1, "additionalProperties": JOB},
    },
    "additionalProperties": False,
    "required": ["name", "on", "permissions", "concurrency", "jobs"],
}
"""The part of GitHub's format that this repository uses. GitHub finds a misspelt key only after a push."""


def load(path: Path) -> Any:
    """Reads a YAML file as GitHub does. YAML 1.1 reads the key `on` as true."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in document.items()}


def jobs() -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Yields workflow, job, the workflow's document and the job's part of it."""
    for name, path in WORKFLOWS.items():
        workflow = load(path)
        for job_id, job in workflow["jobs"].items():
            yield name, job_id, workflow, job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each step with the name of its workflow and job."""
    for name, job_id, _, job in jobs():
        for step in job["steps"]:
            yield f"{name}/{job_id}", step


def steps_using(action: str) -> list[tuple[str, dict[str, Any]]]:
    return [(where, step) for where, step in steps() if step.get("uses", "").startswith(f"{action}@")]


def lines_with_uses() -> list[str]:
    lines = [line for path in WORKFLOWS.values() for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if re.match(r"\s*(- )?uses:", line)]


def make_calls() -> list[tuple[str, list[str]]]:
    """Returns each call of make, with where it is and its arguments."""
    calls = []
    for where, step in steps():
        for line in step.get("run", "").replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if "make" in words:
                arguments = words[words.index("make") + 1 :]
                end = next((i for i, word in enumerate(arguments) if word in SHELL_OPERATORS), None)
                calls.append((where, arguments[:end]))
    return calls


def test_there_are_the_workflows_that_contributors_rely_on():
    assert set(WORKFLOWS) == {"ci", "codeql", "nightly", "release"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_only_keys_that_github_knows_and_each_job_has_its_time(name):
    errors = Draft202012Validator(WORKFLOW).iter_errors(load(WORKFLOWS[name]))
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_every_action_is_pinned_to_a_commit_and_names_its_version():
    lines = lines_with_uses()
    assert [line for line in lines if not PINNED.fullmatch(line)] == []
    assert len(lines) == sum("uses" in step for _, step in steps()) > 0


def test_an_action_has_one_version_everywhere():
    pins = defaultdict(set)
    for found in filter(None, map(PINNED.fullmatch, lines_with_uses())):
        owner, repository, *_ = found["action"].split("/")
        pins[owner, repository].add(found["pin"])
    assert {action: pin for action, pin in pins.items() if len(pin) > 1} == {}


def test_a_checkout_leaves_no_credentials_behind():
    checkouts = steps_using("actions/checkout")
    assert checkouts
    keeping = [where for where, step in checkouts if step["with"].get("persist-credentials") is not False]
    assert keeping == []


def test_a_job_has_permissions_and_writes_only_what_its_purpose_needs():
    writes = {}
    for name, job_id, workflow, job in jobs():
        assert "write" not in workflow["permissions"].values(), f"{name}: every job could write"
        permissions = job.get("permissions", workflow["permissions"])
        assert permissions, f"{name}/{job_id} has no permissions of its own, and its workflow has none"
        if written := {scope for scope, access in permissions.items() if access == "write"}:
            writes[name, job_id] = written
    assert writes == WRITES


def test_a_job_that_writes_a_release_runs_none_of_the_code_that_was_built():
    writing = [job for name, job_id, _, job in jobs() if name == "release" and (name, job_id) in WRITES]
    used = {step["uses"].split("@")[0] for job in writing for step in job["steps"] if "uses" in step}
    assert used == {"actions/download-artifact", "actions/attest-build-provenance"}


def test_nothing_from_a_cache_gets_into_a_release():
    setups = [step for where, step in steps_using("actions/setup-python") if where.startswith("release/")]
    assert setups
    assert [step for step in setups if "cache" in step["with"]] == []


def test_every_target_that_a_workflow_makes_is_in_the_makefile():
    rules = re.findall(r"^([a-z][a-z0-9 -]*):(?!=)", MAKEFILE, re.MULTILINE)
    targets = {name for names in rules for name in names.split()}
    made = {argument for _, arguments in make_calls() for argument in arguments if "=" not in argument}
    assert made >= {"check", "coverage", "lint", "prove", "storm", "test"}
    assert made - targets == set()


def test_every_call_of_make_says_which_python_and_sets_only_what_the_makefile_reads():
    for where, arguments in make_calls():
        names = [argument.partition("=")[0] for argument in arguments if "=" in argument]
        assert "PYTHON" in names, f"{where}: make {' '.join(arguments)}"
        assert [name for name in names if not re.search(rf"\b{name}\b", MAKEFILE)] == [], where


def test_dependabot_looks_at_every_folder_with_a_lock():
    updates = load(GITHUB / "dependabot.yml")["updates"]
    folders = {folder for update in updates for folder in update.get("directories", [])}
    locks = [*ROOT.glob("requirements/*.txt"), *ROOT.glob("layers/*/requirements.lock")]
    assert folders == {f"/{lock.parent.relative_to(ROOT)}" for lock in locks}
    assert {update["package-ecosystem"] for update in updates} == {"pip", "github-actions"}


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_an_issue_form_asks_each_question_once(name):
    form = load(GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml")
    assert set(form) == {"name", "description", "labels", "body"}
    questions = [part for part in form["body"] if part["type"] != "markdown"]
    labels = [question["attributes"]["label"] for question in questions]
    ids = [question["id"] for question in questions]
    assert len(questions) == len(set(labels)) == len(set(ids)) > 0


def test_the_hooks_use_the_tools_of_the_locked_environment():
    repositories = load(ROOT / ".pre-commit-config.yaml")["repos"]
    entries = [hook["entry"] for repository in repositories for hook in repository["hooks"]]
    programs = {Path(shlex.split(entry)[0]) for entry in entries}
    assert {program.parent for program in programs} == {Path(".venv/bin")}
    here = Path(sys.executable).parent
    assert [program.name for program in programs if not (here / program.name).exists()] == []
