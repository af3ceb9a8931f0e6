"""What can go wrong, in words for the person who typed the command."""

import re
from collections.abc import Iterable

# Before the @ of a URL may stand a password or a token, which a slash may be in.
LOGIN = re.compile(r"(?<=http://)\S*@|(?<=https://)\S*@|(?<=://)[^/\s:]*:\S*@")

# Control characters (line breaks and tabs aside), those that turn the direction of a text, and bytes that are no text.
STEERING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)")


def masked(text: str) -> str:
    """A text without the passwords and tokens in its URLs."""
    return LOGIN.sub("***@", text)


def shown(text: str) -> str:
    """A text for a terminal: masked, and without what would steer it. A file's name may have any characters."""
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", masked(text))


def some(names: Iterable[str], most: int = 3) -> str:
    """The first few of some names, each once, and how many more there are."""
    found = [*dict.fromkeys(names)]
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


class MlopsError(Exception):
    """One sentence that says what is wrong, and one that says what to do next."""

    def __init__(self, sentence: str, next_step: str = "") -> None:
        self.sentence, self.next_step = masked(sentence), masked(next_step)
        super().__init__(f"{self.sentence} {self.next_step}".strip())


class Untrusted(MlopsError):
    """A template or project would run code of its own, and nobody has said yet that it may."""


class Unreachable(MlopsError):
    """Another machine does not answer now; later it may."""


class StepFailed(MlopsError):
    """A step of the set-up failed after the project was written: the project stays."""
