"""Laws of the workflows: each action is one commit, and no job may do more than it needs."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WRITES = {  # the jobs that may write, and what
    ("pages", "deploy"): {"pages", "id-token"},
    ("pages", "notebooks"): {"contents"},
    ("release", "attach"): {"contents"},
}

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def parsed(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


@each_workflow
def test_every_action_is_pinned_to_a_commit_beside_its_version(path):
    used = re.findall(r"uses: (.*)", path.read_text())
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/[\w./-]+", action)


def test_an_action_has_one_version_in_all_workflows():
    texts = "".join(path.read_text() for path in WORKFLOWS)
    found = re.findall(r"uses: ([\w-]+/[\w-]+)[\w/-]*@(\w+)", texts)
    assert len(set(found)) == len({name for name, _ in found})


@each_workflow
def test_permissions_are_none_but_what_a_job_needs(path):
    workflow = parsed(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        writes = {what for what, way in job["permissions"].items() if way == "write"}
        assert writes == WRITES.get((path.stem, name), set())
        assert set(job["permissions"].values()) <= {"read", "write"}
        assert job.get("uses") or job["timeout-minutes"] <= 350


@each_workflow
def test_a_job_that_may_write_runs_no_code_of_the_project(path):
    """It gets what another job made: nothing is checked out beside a token that can write."""
    for name, job in parsed(path)["jobs"].items():
        if (path.stem, name) in WRITES:
            text = str(job["steps"])
            assert "actions/checkout" not in text and "make " not in text


@each_workflow
def test_no_expression_is_pasted_into_a_script(path):
    """What GitHub fills in comes as a variable, so that no name of a branch or tag is run."""
    for job in parsed(path)["jobs"].values():
        assert not [step for step in job.get("steps", []) if "${{" in str(step.get("run", ""))]
        for step in job.get("steps", []):
            if "actions/checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


@each_workflow
def test_every_make_target_of_a_workflow_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake ([a-z-]+)", path.read_text())) <= targets
