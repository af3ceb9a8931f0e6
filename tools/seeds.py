"""Keep the seeds of a release for tests/kit/test_seeds.py: python tools/seeds.py TAG."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FEATURES = {"sklearn": "sklearn", "lightgbm": "sklearn", "tensorflow": "keras"}  # by framework
PROBLEMS = ("classification", "regression")


def sources() -> dict[str, str]:
    """Where each seed is in the template, by its name in the folder of a release."""
    found = {f"{framework}/features.py": f"features/{part}.py" for framework, part in FEATURES.items()}
    for framework in FEATURES:
        found |= {f"{framework}/model_{problem}.py": f"model/{framework}_{problem}.py" for problem in PROBLEMS}
    return found


def keep(tag: str) -> Path:
    """Write the seeds of a release. Gives back their folder."""
    folder = ROOT / "tests/kit/seeds" / tag.removeprefix("v")
    for name, source in sources().items():
        command = ["git", "show", f"{tag}:template/parts/{source}"]
        content = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


if __name__ == "__main__":
    print(keep(sys.argv[1]))
