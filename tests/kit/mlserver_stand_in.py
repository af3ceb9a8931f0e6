"""What mlserver_model.py uses of MLServer, which requires older packages than the library's tests have.

Requests are as lenient as MLServer's own. tests/serving/test_kinds.py asks the real MLServer the same questions.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

import pydantic
import pytest
from mlops_kit.contract import Contract
from mlops_kit.testing.services import Reply, Service


class MLServerError(Exception):
    """An error with the status that it is answered with."""

    def __init__(self, msg: str, status_code: int = 400) -> None:
        super().__init__(msg)
        self.status_code = status_code


class BaseModel(pydantic.BaseModel):
    """Leaves out what is not set."""

    model_config = pydantic.ConfigDict(protected_namespaces=())

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """As MLServer's: only what was given."""
        return super().model_dump(**{"exclude_unset": True, "exclude_none": True, **options})


class Tensor(BaseModel):
    """A tensor of a request or an answer."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: Any


class InferenceRequest(BaseModel):
    """A request."""

    id: str | None = None
    parameters: dict[str, Any] | None = None
    inputs: list[Tensor]
    outputs: list[dict[str, Any]] | None = None


class InferenceResponse(BaseModel):
    """An answer."""

    model_name: str
    model_version: str | None = None
    outputs: list[Tensor]


class MetadataModelResponse(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str] | None = None
    platform: str
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]


@dataclass
class ModelSettings:
    """model-settings.json."""

    name: str
    uri: str = ""


class MLModel:
    """A model, which its server notes as ready or not."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings, self.name = settings, settings.name
        self.ready = False


def custom_handler(rest_path: str, rest_method: str = "POST") -> Callable[[Any], Any]:
    """Give a method a path of its own."""

    def note(method: Any) -> Any:
        method.path = (rest_method, rest_path)
        return method

    return note


async def get_model_uri(settings: ModelSettings) -> str:
    """Where the model's files are."""
    return settings.uri


@dataclass
class StandIn:
    """The module with the stand-in behind it, and the commands that the server was started with."""

    module: ModuleType
    started: list[list[str]] = field(default_factory=list)

    def model(self, name: str, uri: str = "") -> Any:
        """A model, loaded as MLServer loads one."""
        made = self.module.ChampionModel(ModelSettings(name, uri))
        made.ready = asyncio.run(made.load())
        return made


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """mlserver_model.py, as if MLServer were installed."""
    errors = dict(MLServerError=MLServerError)
    answers = dict(InferenceRequest=InferenceRequest, InferenceResponse=InferenceResponse)
    commands: list[list[str]] = []
    parts: dict[str, dict[str, Any]] = {
        "mlserver": dict(MLModel=MLModel, ModelSettings=ModelSettings),
        "mlserver.errors": errors,
        "mlserver.handlers": dict(custom_handler=custom_handler),
        "mlserver.types": dict(**answers, MetadataModelResponse=MetadataModelResponse),
        "mlserver.utils": dict(get_model_uri=get_model_uri, install_uvloop_event_loop=lambda: None),
        "mlserver.cli": {},
        "mlserver.cli.main": dict(root=commands.append),
    }
    name = "mlops_kit.serving.mlserver_model"
    with pytest.MonkeyPatch.context() as patch:
        for part, names in parts.items():
            module = ModuleType(part)
            vars(module).update(names)
            patch.setitem(sys.modules, part, module)
        yield StandIn(import_module(name), commands)
    del sys.modules[name]


def served(model: Any, contract: Contract) -> Service:
    """A model behind MLServer's routes."""
    routes = [getattr(type(model), name) for name in dir(type(model))]
    custom = {route.path: route for route in routes if hasattr(route, "path")}

    def send(path: str, body: str | None) -> Reply:
        if body is None:
            found = asyncio.run(custom["GET", path](model))
            return Reply(found.status_code, found.body.decode())
        assert path == f"/v2/models/{model.name}/infer"
        try:
            answer = asyncio.run(model.predict(InferenceRequest.model_validate_json(body)))
        except pydantic.ValidationError as error:
            return Reply(422, error.json(include_input=False, include_context=False))
        except MLServerError as error:
            return Reply(error.status_code, json.dumps({"error": str(error)}))
        return Reply(200, json.dumps(answer.model_dump()))

    return Service(contract, send)
