"""Alerts and dashboard of each kind of serving: Prometheus takes the rules, and they name what the service names."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project.running import new

KINDS = {"none": "sklearn", "fastapi": "sklearn", "seldon": "sklearn", "tensorflow-serving": "tensorflow"}


def made(folder: Path, template: Path, serving: str, *options: str) -> Path:
    """A project of one kind of serving, its environment left out."""
    answers = ["-d", f"serving={serving}", "-d", f"framework={KINDS[serving]}"]
    return new(folder / "churn", template, "--no-setup", *answers, *options)


@pytest.mark.long
@pytest.mark.parametrize("serving", KINDS)
def test_prometheus_takes_configuration_and_rules_and_they_fire_when_they_should(
    serving: str, template: Path, tmp_path: Path
) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not here (Debian: prometheus)")
    monitoring = made(tmp_path, template, serving) / "monitoring"
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", "alerts.test.yml"]):
        done = subprocess.run([promtool, *command], cwd=monitoring, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert ("ServiceDown" in (monitoring / "alerts.yml").read_text(encoding="utf-8")) == (serving != "none")


@pytest.mark.parametrize("serving", KINDS)
def test_a_package_of_another_name_does_not_rename_the_model(serving: str, template: Path, tmp_path: Path) -> None:
    project = made(tmp_path, template, serving, "-d", "package_name=acme_churn")
    assert '\nname = "churn"\n' in (project / "pyproject.toml").read_text(encoding="utf-8")
    for path in project.rglob("*"):
        assert not path.is_file() or "acme-churn" not in path.read_text(encoding="utf-8"), path
