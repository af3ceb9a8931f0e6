"""Put the template's whole history into the wheel, as a git bundle, so that a first `mlops new` needs no network."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundleHook(BuildHookInterface):
    """Adds mlops_scaffold/template.bundle, where the wheel is built from a whole clone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the bundle; an editable installation reads its checkout instead."""
        if version == "editable":
            return
        if self._git("rev-parse", "--is-shallow-repository") != "false":
            self.app.display_warning("no template in the wheel: it is not built from a whole git clone")
            return
        bundle = Path(tempfile.mkdtemp()) / "template.bundle"
        if self._git("bundle", "create", "--quiet", str(bundle), "HEAD", "--branches", "--tags") is None:
            self.app.display_warning("no template in the wheel: git could not bundle it")
            return
        build_data["force_include"][str(bundle)] = "mlops_scaffold/template.bundle"

    def _git(self, *arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", self.root, *arguments], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None
