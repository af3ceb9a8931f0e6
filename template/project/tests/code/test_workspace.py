"""The tasks of a clone say what is now, and how it goes on."""

import os
import sys

import pytest

from {{ package_name }}.workspace import WorkspaceError, run_to_its_end


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that a child could send to its parent")
def test_a_run_that_is_stopped_says_how_to_go_on() -> None:
    stopped = "import os, signal; os.kill(os.getppid(), signal.SIGINT); raise SystemExit(130)"
    with pytest.raises(WorkspaceError, match=r"^Stopped\..*go on: uv run poe repro$"):
        run_to_its_end(sys.executable, "-c", stopped)
    assert run_to_its_end(sys.executable, "-c", "raise SystemExit(3)") == 3
