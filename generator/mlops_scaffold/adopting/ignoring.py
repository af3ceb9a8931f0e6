"""The union of two ignore files: nothing that git ignores now comes to light, as no line of the template un-ignores."""

HEADING = "# Of the template."


def union(ours: bytes, theirs: bytes) -> tuple[bytes, list[str]]:
    """The person's lines as they are, then the template's patterns that are not among them; and those left out.

    In an ignore file the last line that matches decides, so a pattern that is added can only ignore more.
    """
    end = b"\r\n" if b"\r\n" in ours else b"\n"
    known = {line.strip() for line in ours.splitlines()}
    patterns = [line for line in theirs.splitlines() if line.strip() and not line.startswith(b"#")]
    new = [line for line in dict.fromkeys(patterns) if line not in known and not line.startswith(b"!")]
    left = [line.decode() for line in patterns if line.startswith(b"!") and line not in known]
    if not new:
        return ours, left
    start = ours if not ours or ours.endswith(b"\n") else ours + end
    return start + end.join([b"", HEADING.encode(), *new, b""]), left


def without_exceptions(theirs: bytes) -> tuple[bytes, list[str]]:
    """The template's ignore file without the lines that un-ignore, and these."""
    lines = theirs.splitlines(keepends=True)
    left = [line.decode().strip() for line in lines if line.startswith(b"!")]
    return b"".join(line for line in lines if not line.startswith(b"!")), left
