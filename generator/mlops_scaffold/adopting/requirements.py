"""requirements.txt as a group of dependencies: line by line, with its versions as they are. Nothing is installed."""

import json
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement

from mlops_scaffold.ground.safe_paths import fault

FILE = "requirements.txt"
EMPTY_GROUP = "legacy = []\n"
OPTION = re.compile(r"(?P<name>--[a-z-]+|-[A-Za-z])[ =]*(?P<value>\S+)?")
LOGIN = re.compile(r"://[^/\s]*@")
EGG = re.compile(r"(?P<url>(?:git|hg|svn|bzr)\+\S+?)#(?:\S*&)?egg=(?P<name>[\w.-]+)\S*")
Read = Callable[[str], bytes | None]  # a file of the repository by its path


@dataclass
class Legacy:
    """What was asked for. `left` are the lines that cannot be taken over, each with its place and the reason."""

    packages: list[str] = field(default_factory=list)
    index: str = ""
    more: list[str] = field(default_factory=list)  # further indexes
    left: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.packages or self.index or self.more or self.left)


def read_requirements(read: Read) -> Legacy:
    """All that requirements.txt asks for, with the files that it names."""
    found = Legacy()
    take(found, FILE, read, set())
    found.packages = list(dict.fromkeys(found.packages))
    return found


def take(found: Legacy, path: str, read: Read, seen: set[str]) -> None:
    """Take one file over, and those that it includes."""
    raw = read(path)
    if raw is None or path in seen:
        return
    seen.add(path)
    for number, line in lines(decoded(raw)):
        option = OPTION.match(line)
        if not option:
            reason = take_package(found, line)
        elif option["name"] in ("-r", "--requirement") and option["value"]:
            included = posixpath.normpath(posixpath.join(posixpath.dirname(path), option["value"]))
            reason = "" if not fault(included) and read(included) is not None else "the file is not in the repository"
            take(found, included, read, seen)
        else:
            reason = take_option(found, option["name"], option["value"] or "")
        if reason:
            found.left.append(f"{path}, line {number}: {reason}")


def decoded(raw: bytes) -> str:
    """A text file, also as PowerShell writes it."""
    return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors="replace")


def lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, without comments, joined where one goes on; each with its number."""
    number, whole = 0, ""
    for at, raw in enumerate(text.splitlines(), 1):
        number = number or at
        whole += re.sub(r"(^|\s)#.*$", "", raw)
        if whole.endswith("\\"):
            whole = whole[:-1]
            continue
        if whole.strip():
            yield number, whole.strip()
        number, whole = 0, ""
    if whole.strip():
        yield number, whole.strip()


def take_package(found: Legacy, line: str) -> str:
    """Take a package over. Gives back why not; the text of the line is not told, as there may be a password in it."""
    text = re.split(r"\s--", line)[0].strip()  # without its hashes, which uv.lock holds
    text = EGG.sub(r"\g<name> @ \g<url>", text)
    if LOGIN.search(text):
        return "there is a login in its address"
    try:
        asked = Requirement(text)
    except InvalidRequirement:
        return "not a package and its version"
    if asked.url and asked.url.startswith(("file:", ".", "/")):
        return "a file of one machine"
    found.packages.append(text)
    return ""


def take_option(found: Legacy, name: str, value: str) -> str:
    """Take an index over. Gives back why not."""
    if name in ("-i", "--index-url", "--extra-index-url"):
        if LOGIN.search(value):
            return "there is a login in the address of the index"
        if not re.fullmatch(r"https?://[^\s\"'\\]+", value):
            return "not an address of an index"
        if name == "--extra-index-url":
            found.more.append(value)
        else:
            found.index = value
        return ""
    return "an editable install of a folder" if name in ("-e", "--editable") else f"the option {name}"


def with_legacy(text: str, legacy: Legacy) -> str:
    """The template's pyproject.toml with the packages in their group, and the further indexes at its end."""
    if legacy.packages:
        listed = "".join(f"  {json.dumps(one, ensure_ascii=False)},\n" for one in legacy.packages)
        text = text.replace(EMPTY_GROUP, f"legacy = [\n{listed}]\n", 1)
    for number, url in enumerate(dict.fromkeys(legacy.more), 1):
        text += f'\n# As {FILE} names it.\n[[tool.uv.index]]\nname = "legacy-{number}"\nurl = {json.dumps(url)}\n'
    return text
