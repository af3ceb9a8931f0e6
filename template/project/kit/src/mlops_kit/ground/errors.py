"""The one base of all errors that a person is to read."""


class KitError(Exception):
    """Something that cannot be done: one sentence, and what to do next.

    The base of all errors of the library; `sentence` and `next_step` are its two parts.
    """

    def __init__(self, sentence: str, next_step: str = "") -> None:
        super().__init__(f"{sentence} {next_step}".strip())
        self.sentence = sentence
        self.next_step = next_step
