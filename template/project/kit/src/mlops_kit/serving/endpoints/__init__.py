"""Where each kind of service listens and answers: one module a kind, chosen by the project's `serving`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from mlops_kit.ground import KitError, project

if TYPE_CHECKING:
    from mlops_kit.serving.endpoint import Endpoint


@dataclass(frozen=True)
class Interface:
    """A kind of service, as a caller sees it."""

    port: int  # the usual one
    ports: tuple[str, ...]  # the variables that say where it listens
    ready: str  # the path that answers 200 where there is a model
    unready: int  # what it answers where there is none
    endpoints: dict[str, Endpoint]


def interface() -> Interface:
    """The interface of the project's service. Raises KitError where it has none."""
    kind = project().serving
    if kind == "none":
        raise KitError("This project has no service.", "Add one: mlops add fastapi")
    return cast(Interface, import_module(f"mlops_kit.serving.endpoints.{kind.replace('-', '_')}").interface())
