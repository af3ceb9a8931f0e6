"""Where the template is: an address that everyone can clone, found by name, by settings, or by the installation."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib import resources
from pathlib import Path
from urllib.parse import unquote

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.paths import cache_dir
from mlops_scaffold.ground.settings import load_settings
from mlops_scaffold.vcs import trust
from mlops_scaffold.vcs.git import GitError, git, is_repository_root
from mlops_scaffold.vcs.giturl import GitUrl, is_path, parse, without_login

LOGIN = "The login in the template's address is not recorded. For updates, git needs it: see git help credentials."


@dataclass(frozen=True)
class Address:
    """A template's address. `recorded` goes into the answers file; git reads `fetched`, which may be nearer."""

    recorded: str
    fetched: GitUrl
    is_local: bool = False
    notice: str = ""

    @property
    def is_remote(self) -> bool:
        """Whether it is read where it is recorded, and is no path that was named."""
        return not self.is_local and without_login(self.fetched.text) == without_login(parse(self.recorded).text)


def find_address(template: str | None = None) -> Address:
    """By --template, MLOPS_TEMPLATE, the user's settings, or what the installation knows, in this order."""
    named = template or os.environ.get("MLOPS_TEMPLATE") or load_settings().template
    if named:
        return named_address(named)
    return installed_address()


def named_address(named: str) -> Address:
    """The address of a template that was named: a URL as copier understands it, or a path made absolute."""
    if not is_path(named):
        shown = without_login(named)
        return Address(clonable(shown), parse(named), notice="" if shown == named else LOGIN)
    path = Path(os.path.expanduser(named))  # noqa: PTH111  # pathlib raises for a user that is not there
    if not os.path.exists(path):  # noqa: PTH110  # and for a name that is too long
        raise MlopsError(f"There is no template at {named}.", "Name a path that exists, or a git URL.")
    if not is_repository_root(path) and not (path / "HEAD").exists() and not path.is_file():
        raise MlopsError(f"{named} is not a git repository.", "A template is versioned: run git init and commit it.")
    absolute = path.resolve().as_posix()
    # copier takes a path for a checkout: a bare repository is one to clone, by its URL.
    bare = (path / "HEAD").exists()
    return Address(f"file://{absolute}" if bare else absolute, parse(absolute), is_local=True)


def recorded_address(recorded: str) -> Address:
    """The address in a project's answers file; it may be gone, as long as the cache has it. Raises MlopsError."""
    if recorded == f"file://{mirror_of('bundle').as_posix()}":
        with suppress(MlopsError):
            return replace(installed_address(), recorded=recorded, notice="")
    if not is_path(recorded):
        try:
            return Address(recorded, parse(recorded))
        except MlopsError as error:
            sentence = f"The project's template cannot be used: {error.sentence}"
            raise MlopsError(sentence, "Do not trust it, or correct _src_path of the answers file.") from None
    path = Path(os.path.expanduser(recorded))  # noqa: PTH111
    if not path.is_absolute():
        raise MlopsError(
            f"The project's template is recorded as {recorded!r}, a relative path: nobody else can find it.",
            "Write its address into _src_path of the answers file, and commit that.",
        )
    if os.path.exists(path):  # noqa: PTH110
        return replace(named_address(recorded), recorded=recorded, notice="")
    if not (mirror_of(recorded) / "HEAD").exists():
        raise MlopsError(
            f"The project's template {recorded} is gone, and not in the cache.",
            "Write its new address into _src_path of the answers file, and commit that.",
        )
    return Address(recorded, parse(path.as_posix()))


def clonable(address: str) -> str:
    """An address in the form that copier takes for a repository: a URL without .git says git+."""
    known = ("/", "git@", "git+", "gh:", "gl:", "https://github.com/", "https://gitlab.com/")
    return address if address.endswith(".git") or address.startswith(known) else f"git+{address}"


def installed_address() -> Address:
    """What the installation knows: the address that it was installed from, or the bundle in the package."""
    direct = _direct_url()
    if "vcs_info" in direct:
        return named_address("git+" + direct["url"])
    checkout = Path(unquote(direct.get("url", "").removeprefix("file://")))
    if direct and is_repository_root(checkout) and (checkout / "copier.yml").exists():
        return checkout_address(checkout)
    bundle = resources.files("mlops_scaffold") / "template.bundle"
    if not bundle.is_file():
        raise MlopsError("This installation carries no template.", "Name one: --template ADDRESS, or MLOPS_TEMPLATE.")
    path = mirror_of("bundle")
    notice = f"The template's address is {path}, on this machine only. For a team, name a shared one by --template."
    return Address(f"file://{path.as_posix()}", parse(str(bundle)), notice=notice)


def checkout_address(checkout: Path) -> Address:
    """The checkout that this program runs from: its origin is recorded, its own commits are read."""
    try:
        origin = git("remote", "get-url", "origin", cwd=checkout)
    except GitError:
        notice = f"The template's address is {checkout}, on this machine only: its repository has no origin."
        return Address(checkout.as_posix(), parse(checkout.as_posix()), notice=notice)
    if Path(origin).exists():
        origin = Path(origin).resolve().as_posix()
    return Address(clonable(without_login(origin)), parse(checkout.as_posix()))


def is_trusted(recorded: str, given: bool = False) -> bool:
    """Whether a template may run its code here: the user's own may. Where it is said now, it is remembered."""
    if given:
        trust.remember(recorded)
    return given or trust.is_trusted(recorded) or trust.canonical(recorded) in map(trust.canonical, own_addresses())


def own_addresses() -> Iterator[str]:
    """Where the templates are that need no word: that of the user's settings, and the installation's own."""
    if named := load_settings().template:
        yield named
    with suppress(MlopsError):
        found = installed_address()
        yield from (found.recorded, found.fetched.text)


def _direct_url() -> dict[str, str]:
    """PEP 610's record of where this distribution came from; empty for one from an index."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        text = distribution("mlops-scaffold").read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    found: dict[str, str] = json.loads(text) if text else {}
    return found


def mirror_of(recorded: str) -> Path:
    """Where the mirror of an address is. It ends in .git, so that copier takes it for a repository."""
    return cache_dir() / "mirrors" / f"{sha256(recorded.encode()).hexdigest()[:16]}.git"
