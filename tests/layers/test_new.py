"""`mlops new --layer`: a project of a template and of layers over it, made in one step."""

from pathlib import Path

import pytest
from mlops_scaffold.creating.layering import split

from tests.conftest import git, mlops
from tests.layers.company import LAYER_FILE, make_company
from tests.update.world import snapshot


def test_a_new_project_with_a_layer_is_what_adding_the_layer_makes_of_it(tmp_path: Path) -> None:
    company = make_company(tmp_path)
    company.release("layer", "v2.0.0", {"project/README.md": "ours\n"})
    new = ("new", "fresh", "--template", str(tmp_path / "base"), "--defaults")
    layer = ("--layer", f"{tmp_path / 'layer'}@v1.0.0")

    refused = mlops(*new, "--layer", str(tmp_path / "layer"), cwd=tmp_path)
    assert refused.stderr.splitlines()[-1].startswith("mlops: Two templates write README.md: base and security.")
    unknown = mlops(*new, *layer, "--data", "scaner=audit", cwd=tmp_path)
    assert "no question 'scaner'. There are: scanner" in unknown.stderr
    twice = mlops(*new, *layer, *layer, cwd=tmp_path)
    assert "Two layers are called security." in twice.stderr
    assert [done.returncode for done in (refused, unknown, twice)] == [1, 1, 1]
    assert not (tmp_path / "fresh").exists()

    made = mlops(*new, *layer, "--data", "scanner=audit", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    company.update(data={"scanner": "audit"}, ref="v1.0.0")
    assert snapshot(tmp_path / "fresh") == snapshot(company.project)
    assert (tmp_path / "fresh/.github/workflows/security.yml").read_text() == "run: audit .\n"
    assert git("log", "--format=%s", cwd=tmp_path / "fresh") == "feat: project from a template"
    assert "layer security v1.0.0, the newest is v2.0.0" in mlops("check", cwd=tmp_path / "fresh").stderr
    assert LAYER_FILE in git("ls-files", cwd=tmp_path / "fresh")


@pytest.mark.parametrize(
    ("text", "address", "version"),
    [
        ("https://git.example.com/layer.git@v1.0.0", "https://git.example.com/layer.git", "v1.0.0"),
        ("https://me@git.example.com/layer.git", "https://me@git.example.com/layer.git", None),
        ("git@git.example.com:layer.git", "git@git.example.com:layer.git", None),
        ("git@git.example.com:layer.git@main", "git@git.example.com:layer.git", "main"),
        ("../layer", "../layer", None),
    ],
)
def test_an_address_may_be_followed_by_a_version(text: str, address: str, version: str | None) -> None:
    assert split(text) == (address, version)
