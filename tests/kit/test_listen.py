"""Where the service listens, and what is said where it cannot."""

import argparse
import socket

import pytest
from mlops_kit.serving import listen
from mlops_kit.serving.endpoints import interface

pytestmark = pytest.mark.usefixtures("project")


def port(*given: str) -> int:
    """The port of a command line."""
    parser = argparse.ArgumentParser()
    listen.add_address(parser)
    found: int = parser.parse_args(given).port
    return found


def test_the_command_line_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert port() == interface().port
    monkeypatch.setenv("PORT", "8123")
    assert port() == 8123
    assert port("--port", "9000") == 9000


def test_a_port_that_is_taken_is_a_sentence_with_a_command() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(listen.AddressError, match=rf"^Port {taken} is taken\..*: uv run poe serve --port \d+$"):
            listen.check_free("127.0.0.1", taken)
    listen.check_free("127.0.0.1", 0)  # one that is free: another program may have taken that one by now
    with pytest.raises(listen.AddressError, match="port 99999"):
        listen.check_free("127.0.0.1", 99999)
