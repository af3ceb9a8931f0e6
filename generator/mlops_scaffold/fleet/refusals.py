"""Why a repository cannot be fetched from or pushed to, from what git and the other side have printed."""

import re

from mlops_scaffold.fleet.line import ARCHIVED, DENIED, ERROR, UNREACHABLE, Line
from mlops_scaffold.ground.errors import MlopsError, Unreachable
from mlops_scaffold.vcs.git import GitError, GitTimeout

ARCHIVED_SIGNS = ("archived", "read-only", "read only")
MOVED_SIGNS = ("stale info", "fetch first", "non-fast-forward", "cannot lock ref", "failed to update ref")
AWAY_SIGNS = ("could not resolve", "connection", "timed out", "returned error: 5", "early eof", "hung up")
FULL_SIGNS = ("no space left", "quota")
DENIED_SIGNS = ("authentication failed", "could not read username", "permission denied", "returned error: 403")


# What may go wrong with one repository while the others go on: a full disk and files of any content too.
TROUBLE = (MlopsError, OSError, UnicodeError, RecursionError)


class Refused(MlopsError):
    """A repository refuses what is asked of it: the state that its projects have then, and whether a retry may help."""

    def __init__(self, state: str, sentence: str, next_step: str = "", retry: bool = False) -> None:
        super().__init__(sentence, next_step)
        self.state, self.retry = state, retry


def fail(line: Line, error: Exception) -> None:
    """Say in a line that nothing could be done."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        error = Refused(ERROR, f"{where}{error.strerror or error}.", "Run the command again.", retry=True)
    elif not isinstance(error, MlopsError):
        error = Refused(ERROR, f"The repository has a file that cannot be read: {type(error).__name__}.")
    line.state = error.state if isinstance(error, Refused) else ERROR
    line.retry = error.retry if isinstance(error, Refused) else False
    if isinstance(error, Unreachable):
        line.state, line.retry = UNREACHABLE, True
    line.error = str(error)


def of_push(error: GitError, signed: bool) -> Refused:
    """Why a push failed."""
    said, why = error.said.lower(), told(error)
    if any(sign in said for sign in MOVED_SIGNS):
        return Refused(ERROR, "The branch has changed a moment ago.", "Run the command again.", retry=True)
    if any(sign in said for sign in FULL_SIGNS):
        return Refused(ERROR, f"The push failed: {why}", "Run the command again when there is space.", retry=True)
    if any(sign in said for sign in ARCHIVED_SIGNS):
        return Refused(ARCHIVED, f"The repository takes no pushes: {why}")
    if "sign" in why.lower() and not signed:
        step = "Set git's commit.gpgsign, gpg.format and user.signingkey, then run the command again."
        return Refused(DENIED, f"The push was refused: {why}", step)
    if "rejected]" in said:
        return Refused(DENIED, f"The push was refused: {why}")
    return of_access(error)


def of_access(error: GitError) -> Refused:
    """Why a repository cannot be reached, or not by us."""
    said, why = error.said.lower(), told(error)
    if isinstance(error, GitTimeout) or any(sign in said for sign in (*AWAY_SIGNS, *FULL_SIGNS)):
        return Refused(UNREACHABLE, f"The repository cannot be reached: {why}", error.next_step, retry=True)
    if any(sign in said for sign in DENIED_SIGNS):
        return Refused(DENIED, f"Access was denied: {why}", "Check the credentials, and the rights that they have.")
    return Refused(UNREACHABLE, f"The repository cannot be reached: {why}", error.next_step, retry=True)


def told(error: GitError) -> str:
    """What the other side said, else git, in one line."""
    remote = [line.removeprefix("remote:").strip() for line in error.said.splitlines() if line.startswith("remote:")]
    lines = [line.removeprefix("error:").removeprefix("GitLab:").strip() for line in remote if line.strip(" -=.")]
    if lines:
        return " ".join(f"{line.rstrip('.:')}." for line in lines)
    reason = re.search(r"rejected\][^(]*\((?P<why>[^)]*)\)", error.said)
    return f"{reason['why']}." if reason else error.sentence
