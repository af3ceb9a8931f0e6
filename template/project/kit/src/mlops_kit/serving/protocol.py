"""The Open Inference Protocol (version 2), which KServe, Seldon, MLServer and Triton speak: one tensor a column.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from mlops_kit.contract import Contract
from mlops_kit.frameworks import Decision, framework
from mlops_kit.ground import project
from mlops_kit.serving.endpoint import Answers, Endpoint, Row
from mlops_kit.serving.limits import Limits
from mlops_kit.serving.rows import RowsError, clipped, parsed, problem, too_many
from mlops_kit.serving.scan import most_values, scan

DATATYPES = {"numeric": "FP64", "boolean": "BOOL", "categorical": "BYTES", "date": "BYTES", "text": "BYTES"}
NUMBERS = frozenset(f"{kind}{bits}" for kind in ("INT", "UINT") for bits in (8, 16, 32, 64)) | {"FP16", "FP32", "FP64"}
ACCEPTED = {"FP64": NUMBERS, "BOOL": NUMBERS | {"BOOL"}, "BYTES": frozenset({"BYTES"})}
WANTED_OUTPUTS = 2  # tensors that a request may name besides its inputs: those of an answer
BESIDE_DATA = 50  # values of a tensor besides its data: name, shape, datatype, parameters
OUTPUTS = {bool: "BOOL", int: "INT64", str: "BYTES"}


class Input(BaseModel):
    """A tensor of a request."""

    name: str
    shape: list[int] = Field(min_length=1, max_length=2)
    datatype: str
    parameters: dict[str, Any] | None = None
    data: list[Any]


class Output(BaseModel):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] | None = None


class InferenceRequest(BaseModel):
    """A request: a tensor for each column, of shape [rows] or [rows, 1]; null where a value is missing."""

    id: str | None = None
    parameters: dict[str, Any] | None = None
    inputs: list[Input] = Field(min_length=1, fail_fast=True)
    outputs: Annotated[list[Output], Field(fail_fast=True)] | None = None


def read(body: bytes, contract: Contract, limits: Limits) -> InferenceRequest:
    """A request in JSON. Raises RowsError."""
    _check_size(body, contract, limits)
    return request_of(parsed(body), limits)


def request_of(told: object, limits: Limits) -> InferenceRequest:
    """The request that parsed JSON is. Raises RowsError."""
    try:
        return InferenceRequest.model_validate(told)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RowsError(
            [
                dict(loc=["body", *one["loc"]], msg=": ".join([*_place(one["loc"]), one["msg"]]), type=one["type"])
                for one in found[: limits.max_errors]
            ]
        ) from None


def _check_size(body: bytes, contract: Contract, limits: Limits) -> None:
    """Raise RowsError for a body that has more than the limits allow, before it is parsed."""
    tensors = max(limits.max_tensors, len(contract.features) + len(contract.ignored))
    if most_values(body) <= min(tensors, limits.max_rows, limits.max_values):
        return
    shape = scan(body, limits.max_values)
    if shape.values > limits.max_values:
        raise too_many("values in this request", limits.max_values)
    if max(shape.entries - WANTED_OUTPUTS, shape.outside) > tensors:
        raise too_many("tensors in this request", tensors, "inputs")
    if shape.largest > 2 * limits.max_rows + BESIDE_DATA:  # each value may be in a list of its own
        raise too_many("rows in this request", limits.max_rows, "inputs")


def _place(loc: tuple[str | int, ...]) -> list[str]:
    return [".".join(map(str, loc))] if loc else []


def rows(contract: Contract, request: InferenceRequest, limits: Limits) -> list[Row]:
    """The tensors as rows, which are then read as any others. Raises RowsError for tensors that do not fit together."""
    kinds = {column.name: DATATYPES[column.type] for column in contract.features}
    tensors: dict[str, list[Any]] = {}
    count = request.inputs[0].shape[0]
    if not 1 <= count <= limits.max_rows:
        raise problem(f"A request has 1 to {limits.max_rows} rows, this one has {count}.", "inputs", 0, "shape")
    for place, tensor in enumerate(request.inputs):
        at, named = ("inputs", place), f"The tensor {clipped(tensor.name)!r}"
        if tensor.name not in kinds and tensor.name not in contract.ignored:
            raise problem(f"{named} is not a column of the contract.", *at, "name", kind="extra_forbidden")
        if tensor.name in tensors:
            raise problem(f"{named} is there twice.", *at, "name")
        if (tensor.parameters or {}).get("binary_data_size") is not None:
            raise problem(f"{named} is binary: send its data as JSON.", *at, "parameters")
        if tensor.datatype not in ACCEPTED.get(kinds.get(tensor.name, ""), {tensor.datatype}):
            says = f"{named} must be {kinds[tensor.name]}, not {clipped(tensor.datatype)!r}."
            raise problem(says, *at, "datatype")
        if tensor.shape[0] != count or tensor.shape[1:] not in ([], [1]):
            raise problem(f"{named} has the shape {tensor.shape}: [{count}] or [{count}, 1] is wanted.", *at, "shape")
        tensors[tensor.name] = _flat(tensor, at)
    return [dict(zip(tensors, values, strict=True)) for values in zip(*tensors.values(), strict=True)]


def _flat(tensor: Input, at: tuple[str | int, ...]) -> list[Any]:
    """A tensor's values; those of shape [rows, 1] may be nested."""
    data = tensor.data
    if len(tensor.shape) == 2 and all(isinstance(value, list) and len(value) == 1 for value in data):
        data = [value[0] for value in data]
    if len(data) != tensor.shape[0]:
        says = f"The tensor {clipped(tensor.name)!r} has {len(data)} values, its shape says {tensor.shape[0]}."
        raise problem(says, *at, "data")
    return data


def metadata(contract: Contract, name: str, version: str, decision: Decision | None = None) -> dict[str, Any]:
    """What the model takes and gives. `nullable`, `labels`, `positive` and `threshold` are parameters of our own."""
    inputs = [
        dict(name=c.name, datatype=DATATYPES[c.type], shape=[-1], parameters=dict(nullable=bool(c.nulls)))
        for c in contract.features
    ]
    answers: list[dict[str, Any]] = [dict(name="prediction", datatype=prediction_type(contract), shape=[-1])]
    if decision:
        answers[0]["parameters"] = asdict(decision)
    if labels := contract.classes:
        answers.append(
            dict(name="probability", datatype="FP64", shape=[-1, len(labels)], parameters=dict(labels=labels))
        )
    versions = [version] if version else []
    return dict(
        name=name,
        versions=versions,
        platform=framework().PLATFORM,
        inputs=inputs,
        outputs=answers,
    )


def prediction_type(contract: Contract) -> str:
    """The datatype of the prediction."""
    return OUTPUTS[type(contract.classes[0])] if contract.classes else "FP64"


def outputs(contract: Contract, labels: list[Any], answers: Answers, request: InferenceRequest) -> list[dict[str, Any]]:
    """The answers as tensors, all of them or the ones that are asked for. Raises RowsError for an unknown one."""
    count = len(answers.predictions)
    found = {"prediction": _tensor("prediction", [count], prediction_type(contract), answers.predictions)}
    if answers.shares is not None:
        flat = [share for row in answers.shares for share in row]
        found["probability"] = _tensor("probability", [count, len(labels)], "FP64", flat)
        found["probability"]["parameters"] = dict(labels=labels)
    wanted = [output.name for output in request.outputs or []] or list(found)
    for place, name in enumerate(wanted):
        if name not in found:
            raise problem(f"There is no output {clipped(name)!r}: {', '.join(found)}.", "outputs", place, "name")
    return [found[name] for name in wanted]


def _tensor(name: str, shape: list[int], datatype: str, data: list[Any]) -> dict[str, Any]:
    return dict(name=name, shape=shape, datatype=datatype, data=data)


# --- how a caller asks -----------------------------------------------------------------------------------------------


def request_body(contract: Contract, rows: list[Row]) -> dict[str, Any]:
    """Rows as a request: a tensor for each column that one of them has."""
    kinds = {column.name: DATATYPES[column.type] for column in contract.features}
    names = dict.fromkeys(name for row in rows for name in row)
    return dict(inputs=[_tensor(n, [len(rows)], kinds.get(n, "BYTES"), [row.get(n) for row in rows]) for n in names])


def answers_in(contract: Contract, found: dict[str, Any]) -> Answers:
    """The answers in what came back."""
    data = {output["name"]: output["data"] for output in found["outputs"]}
    classes = len(contract.classes or [])
    flat = data.get("probability", [])
    shares = [flat[first : first + classes] for first in range(0, len(flat), classes)] if classes else None
    return Answers(data["prediction"], shares)


def endpoint() -> Endpoint:
    """The route that predicts."""
    return Endpoint(f"/v2/models/{project().name}/infer", request_body, answers_in)
