"""Addresses of git repositories. They are parsed here and nowhere else, and git gets nothing else as an address.

The spellings are copier's (`copier._vcs.get_repo`), the transports git's own. A program that git would run as a
transport (`ext::`, `fd::`, any `git-remote-*` on PATH) is not among them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from mlops_scaffold.ground.errors import MlopsError

TRANSPORTS = ("file", "git", "http", "https", "ssh")
ALIASES = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
OPTION = re.compile(r"(?:\w+://)?(?:[^/]*@)?-")
_USER = r"(?:\w[\w.~+-]*@)?"
_LOGIN = r"(?:[^/?#]+@)?"
_NAME = r"(?:\w[\w.-]*|\[[\da-fA-F:.]+\])"
_REST = r"(?::\d+)?(?:/.*)?"
HTTP = re.compile(rf"https?://{_LOGIN}{_NAME}{_REST}")
# git decodes these before it uses them, so the decoded text must have the same form.
DECODED = (
    re.compile(rf"(?:ssh|git)://{_USER}{_NAME}{_REST}"),
    re.compile(rf"{_USER}(?!\w:){_NAME}:(?![-:]|//).+"),  # as scp has it; one letter is a drive of Windows
    re.compile(r"(?:file://)?(?:/(?!/)|[A-Za-z]:[\\/]).*"),  # no //host: Windows would ask that host for a share
)
LOGIN = re.compile(r"(?<=http://)[^/?#\s]*@|(?<=https://)[^/?#\s]*@")
FORMS = "https://, http://, ssh://, git://, file://, git@HOST:PATH, gh:OWNER/NAME or gl:OWNER/NAME"


@dataclass(frozen=True)
class GitUrl:
    """A URL or an absolute path that git may be given: no part of it is an option or names a program to run.

    Raises MlopsError for any other text.
    """

    text: str

    def __post_init__(self) -> None:
        decodings = list(_decodings(self.text))
        if any(CONTROL.search(text) for text in decodings):
            raise MlopsError(f"The address {self.text!r} has a control character.", "Name it without.")
        if any(OPTION.match(text) for text in decodings):
            raise MlopsError(f"The address {self.text!r} has a part that begins with a hyphen.", "Use another address.")
        known = any(all(form.fullmatch(text) for text in decodings) for form in DECODED)
        if not known and not HTTP.fullmatch(self.text):
            raise MlopsError(f"{self.text!r} is not the address of a git repository.", f"Use a path, or {FORMS}.")

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return self.text.startswith("file:") or is_path(self.text)


def without_login(address: str) -> str:
    """An address as others may see it: whatever stands before the @ of a URL for HTTP may be a password or a token."""
    return LOGIN.sub("", address)


def parse(address: str) -> GitUrl:
    """An address as copier 9.19 reads it. Raises MlopsError for one that git must not be given."""
    return GitUrl(_expanded(address))


def is_path(address: str) -> bool:
    """Whether an address is a path, relative or not, by git's rule: no colon before the first slash, drives aside."""
    return not re.match(r"-|git\+|[^/\\]{2,}:|:", address) and not CONTROL.search(address)


def _expanded(address: str) -> str:
    for alias, host in ALIASES.items():
        if address.startswith(alias):
            address = host + address.removeprefix(alias).removeprefix("/")
    if address.startswith("git+"):
        return address.removeprefix("git+")
    # copier adds it behind a slash too, where it leads nowhere.
    short = address.startswith(tuple(ALIASES.values())) and not address.endswith((".git", "/"))
    return f"{address}.git" if short else address


def _decodings(text: str) -> Iterator[str]:
    """A text, and what is left of it each time that its %-escapes are decoded."""
    yield text
    while (decoded := unquote(text)) != text:
        yield (text := decoded)
