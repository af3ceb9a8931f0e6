"""No secret is in this repository: a scanner reads every file that git tracks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# What looks like one: a commit, an example of an address with a login, and names of variables.
LOOK_ALIKES = {
    "benchmarks/ci_cost.py",
    "docs/security.md",
    "template/project/.gitlab-ci.yml",
    "template/project/Jenkinsfile",
}


@pytest.mark.long
def test_a_scanner_finds_no_secret_outside_of_the_tests() -> None:
    """The tests plant some."""
    command = [
        str(Path(sys.executable).with_name("detect-secrets")),
        "scan",
        "--no-verify",
        "--exclude-files",
        "^tests/",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert set(json.loads(done.stdout)["results"]) == LOOK_ALIKES
