"""What is around the program: the machine's encoding, and others who do the same at the same time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlops_scaffold.sources import source
from mlops_scaffold.sources.address import named_address

from tests.update.world import forget_fetches


def test_programs_speak_utf8_whatever_the_machine_does() -> None:
    code = "from mlops_scaffold.ground import process; import sys; "
    code += "said = process.run([sys.executable, '-c', 'print(chr(0x2713))'], env=process.project_environment()); "
    code += "print(ascii(said.said))"
    # A machine whose own encoding is another: its Python would neither write nor read UTF-8.
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == r"'\u2713'"


def test_a_template_that_somebody_else_lays_out_at_the_same_time_is_taken(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_CACHE_DIR", str(tmp_path))
    forget_fetches()
    rename = Path.rename

    def after_another(tree: Path, folder: Path) -> Path:
        """Another process is done a moment before."""
        folder.mkdir()
        (folder / "copier.yml").write_text("theirs: 1\n", encoding="utf-8")
        return rename(tree, folder)

    monkeypatch.setattr(Path, "rename", after_another)
    found = source.open_version(named_address(str(template)), None)
    assert (found.folder / "copier.yml").read_text(encoding="utf-8") == "theirs: 1\n"
    assert [path.name for path in found.folder.parent.iterdir()] == [found.commit]


def test_a_file_of_tests_runs_on_one_core(request: pytest.FixtureRequest) -> None:
    # A release of pytest or xdist by which it does not is seen by nothing else: what is costly is then made twice.
    if not hasattr(request.config, "workerinput"):
        pytest.skip("all tests run on one core")
    assert request.node.nodeid.endswith("@unit/test_surroundings")
