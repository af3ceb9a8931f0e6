"""Which projects a test works for."""

import pytest


def kinds(*names: str) -> pytest.MarkDecorator:
    """Run a test, or a file of them, for the project of each of these kinds."""
    return pytest.mark.parametrize("project", names, indirect=True)
