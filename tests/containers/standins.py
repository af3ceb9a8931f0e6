"""Stand-ins for the base images of a project's Dockerfile, since no registry is asked: Debian with its own Python.

They prove the Dockerfile, not the real base images.
"""

import os
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import uv

# What a package index that is set for this machine needs inside as well.
INDEX_SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class BaseImages:
    """Two root file systems as archives: a Debian with `python`, and one file, uv."""

    python: Path
    uv: Path

    def load(self, dockerfile: Path, engine: list[str], env: dict[str, str]) -> None:
        """Give them to an engine under the names that a Dockerfile has."""
        names = dict(re.findall(r"^ARG (\w+)_IMAGE=(\S+)$", dockerfile.read_text(encoding="utf-8"), re.MULTILINE))
        settings = {"SSL_CERT_FILE": CERTIFICATES} | {
            key: os.environ[key] for key in INDEX_SETTINGS if key in os.environ
        }
        changes = [word for key, value in settings.items() for word in ("--change", f"ENV {key}={value}")]
        run([*engine, "import", *changes, str(self.python), names["PYTHON"]], env)
        run([*engine, "import", str(self.uv), names["UV"]], env)


def in_folder(folder: Path) -> BaseImages:
    """The archives that were made in a folder."""
    return BaseImages(folder / "python.tar", folder / "uv.tar")


def make_base_images(folder: Path) -> BaseImages:
    """Make both archives in a folder: Debian from its packages, uv from this environment."""
    images = in_folder(folder)
    hooks = ['ln -s python3 "$1/usr/bin/python"']
    if Path(CERTIFICATES).is_file():
        hooks.append(f"copy-in {CERTIFICATES} /etc/ssl/certs")
    run(
        [
            "mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates,python3",
            *(f"--customize-hook={hook}" for hook in hooks), "bookworm", str(images.python),
            "http://deb.debian.org/debian",
        ],
        dict(os.environ),
    )  # fmt: skip
    with tarfile.open(images.uv, "w") as archive:
        archive.add(uv.find_uv_bin(), "uv")
    return images


def podman_settings(folder: Path) -> dict[str, str]:
    """The environment in which podman and buildah keep everything in a folder, and work where there is no systemd."""
    storage, containers = folder / "storage.conf", folder / "containers.conf"
    storage.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n', encoding="utf-8"
    )
    containers.write_text(
        '[containers]\nnetns = "host"\nlog_driver = "k8s-file"\n'
        'default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n',
        encoding="utf-8",
    )
    return {
        "CONTAINERS_STORAGE_CONF": str(storage),
        "CONTAINERS_CONF": str(containers),
        "BUILDAH_ISOLATION": "chroot",
    }


def missing(*programs: str) -> str:
    """Why containers cannot be made here; empty where they can."""
    if os.geteuid():
        return "needs root: it makes root file systems and name spaces"
    absent = [program for program in programs if not shutil.which(program)]
    hint = ".ci/run installs them; dockerd and containerd: apt-get install docker.io"
    return f"not installed: {', '.join(absent)} ({hint})" if absent else ""


def run(command: list[str], env: dict[str, str], cwd: Path | None = None) -> str:
    """Run a program; what it printed is the failure."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout
