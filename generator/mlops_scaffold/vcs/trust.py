"""Whose code may run on this machine: what a person has said --trust of, remembered by address.

The address of a project is its folder: what its files say of themselves proves nothing. An address that ends in /
stands for everything below it.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from mlops_scaffold.ground.errors import Untrusted
from mlops_scaffold.ground.paths import config_dir
from mlops_scaffold.vcs.giturl import is_path, parse, without_login


def trusted_file() -> Path:
    """Where the trusted addresses are kept, one a line; a person may edit it."""
    return config_dir() / "trusted"


def is_trusted(address: str | Path) -> bool:
    """Whether a template or project may run its code here."""
    name = canonical(str(address))
    return ".." not in unquote(name).split("/") and any(covers(known, name) for known in trusted())


def covers(known: str, name: str) -> bool:
    """Whether a trusted address stands for another one."""
    return name.startswith(known) if known.endswith("/") else name == known


def trusted() -> Iterator[str]:
    """The trusted addresses."""
    file = trusted_file()
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return (line.strip() for line in lines if line.strip() and not line.startswith("#"))


def remember(*addresses: str | Path) -> None:
    """Trust a template or project from now on."""
    new = [canonical(str(address)) for address in addresses if not is_trusted(address)]
    if new:
        trusted_file().parent.mkdir(parents=True, exist_ok=True)
        with trusted_file().open("a", encoding="utf-8") as file:
            file.write("".join(f"{name}\n" for name in new))


def require(address: str | Path, given: bool, sentence: str, command: str) -> None:
    """Remember an address whose trust is given. Raises Untrusted where it is neither given nor remembered."""
    if given:
        remember(address)
    elif not is_trusted(address):
        raise Untrusted(sentence, f"If you trust it, say so once: {command} --trust")


def canonical(address: str) -> str:
    """One spelling for all that mean the same place, without a login. Raises MlopsError for what is no address."""
    text = without_login(address if is_path(address) else parse(address).text)
    path = text.removeprefix("file://")
    return Path(path).expanduser().resolve().as_posix() if is_path(path) else text
