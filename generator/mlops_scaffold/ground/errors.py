"""What can go wrong, in words for the person who typed the command."""


class MlopsError(Exception):
    """One sentence that says what is wrong, and one that says what to do next."""

    def __init__(self, sentence: str, next_step: str = "") -> None:
        super().__init__(f"{sentence} {next_step}".strip())
        self.sentence = sentence
        self.next_step = next_step


class Untrusted(MlopsError):
    """A template would run code of its own, and nobody has said yet that it may."""


class Unreachable(MlopsError):
    """Another machine does not answer now; later it may."""


class StepFailed(MlopsError):
    """A step of the set-up failed after the project was written: the project stays."""
