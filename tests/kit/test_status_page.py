"""The page of the models' lives has every version and every move."""

from datetime import UTC, datetime

import pytest
from mlops_kit.monitoring import status_page
from mlops_kit.registry import Move, Registered

pytestmark = pytest.mark.usefixtures("project")
WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def registered(number: int, life: str, retired: str = "") -> Registered:
    """A version."""
    return Registered(number, life, {"r2": 0.5, "accuracy": 0.9}, "d" * 32, "c" * 40, WHEN, retired)


def test_every_version_and_every_move_is_shown() -> None:
    every = [registered(3, "retired", "unfair to <some>"), registered(2, "champion"), registered(1, "candidate")]
    history = [Move(WHEN.isoformat(), "2", "promote", "Ada", "more & better trees", "e" * 40)]
    shown = status_page.page(every, history, "r2")
    assert "Version 2 is served." in shown
    assert "unfair to &lt;some&gt;" in shown
    assert "more &amp; better trees" in shown
    assert shown.index(">r2<") < shown.index(">accuracy<")
    assert shown.count("<tr") == 1 + len(every) + 1 + len(history)
    assert "c" * 40 in shown


def test_without_a_champion_it_says_that_nothing_is_served() -> None:
    assert "nothing is served" in status_page.page([], [], "r2")
    assert "nothing is served" in status_page.page([registered(1, "retired", "old")], [], "r2")


def test_a_server_that_is_away_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(SystemExit, match=r"^The MLflow server at http://127\.0\.0\.1:9 does not answer"):
        status_page.main()
