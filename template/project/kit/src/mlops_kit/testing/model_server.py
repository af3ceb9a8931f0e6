"""Stands in for tensorflow_model_server where it is not installed, for these tests alone.

It runs the same SavedModel by the same signature, and speaks the REST paths that the tests ask, with TensorFlow
Serving's status codes and the gist of its messages: https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from mlops_kit.frameworks.tensorflow.quietly import tensorflow as tf
from mlops_kit.testing.saved_models import Runner


class Refused(Exception):
    """A status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Models:
    """What models.config names, loaded; it is read again from time to time."""

    def __init__(self, config: Path) -> None:
        self.config, self.text = config, ""
        self.name = ""
        self.runners: dict[int, Runner] = {}
        self.labels: dict[str, int] = {}
        self.read()

    def read(self) -> None:
        """Take models.config as it is now."""
        text = self.config.read_text(encoding="utf-8")
        if text == self.text:
            return
        found = dict(re.findall(r'(name|base_path): "(.*)"', text))
        numbers = [int(number) for number in re.findall(r"versions: (\d+)", text)]
        runners = {n: self.runners.get(n) or Runner(Path(found["base_path"]) / str(n)) for n in numbers}
        labels = {label: int(n) for label, n in re.findall(r'key: "(\w+)" value: (\d+)', text)}
        self.text, self.name, self.runners, self.labels = text, found.get("name", ""), runners, labels

    def poll(self) -> None:
        """Read it again, for ever."""
        while True:
            time.sleep(0.3)
            self.read()

    def find(self, name: str, kind: str, which: str) -> Runner:
        """The version that is asked for, the newest by default. Raises Refused."""
        number = self.labels.get(which, 0) if kind == "labels" else int(which or max(self.runners, default=0))
        if name != self.name or number not in self.runners:
            raise Refused(404, f"Servable not found for request: {name} {which}")
        return self.runners[number]


def number(text: str) -> float:
    """A number of JSON, or a word that stands for one. Raises Refused for one that is too big."""
    value = float(text)
    if math.isinf(value) and "inf" not in text.lower():
        raise Refused(400, f"JSON Parse error: Number too big to be stored in double: {text[:20]}")
    return value


def predict(runner: Runner, body: bytes) -> dict[str, Any]:
    """Row format in, row format out. Raises Refused."""
    try:
        asked = json.loads(body, parse_float=number, parse_int=number)
    except ValueError as error:
        raise Refused(400, f"JSON Parse error: {error}") from None
    rows = asked.get("instances") if isinstance(asked, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Refused(400, "JSON Value must have a non-empty list of objects under the key 'instances'")
    inputs = runner.signature.inputs
    for place, row in enumerate(rows):
        if set(row) != set(inputs):
            names = ",".join(inputs)
            raise Refused(400, f"Failed to process element: {place} of 'instances' list. JSON object: {row} "
                               f"keys must be equal to: {names}")  # fmt: skip
        for name, value in row.items():
            wanted = str if inputs[name].dtype == tf.string.as_datatype_enum else float
            if not isinstance(value, wanted):
                raise Refused(400, f"Failed to process element: {place} key: {name} of 'instances' list. "
                                   f"JSON Value: {value!r} is not of expected type: {wanted.__name__}")  # fmt: skip
    try:
        found = runner.run({name: [row[name] for row in rows] for name in inputs})
    except tf.errors.InvalidArgumentError as error:
        raise Refused(400, error.message) from None
    columns = {name: [plain(value) for value in values] for name, values in found.items()}
    if len(columns) == 1:
        return {"predictions": next(iter(columns.values()))}
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, bytes):
        return value.decode()
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


class Handler(BaseHTTPRequestHandler):
    """The REST paths."""

    protocol_version = "HTTP/1.1"
    models: Models

    def do_GET(self) -> None:
        """The state of the versions."""
        if self.models.runners and self.path == f"/v1/models/{self.models.name}":
            fine = dict(error_code="OK", error_message="")
            states = [dict(version=str(n), state="AVAILABLE", status=fine) for n in self.models.runners]
            self.answer(200, json.dumps(dict(model_version_status=states)).encode())
        else:
            self.answer(404, json.dumps(dict(error=f"Could not find any versions of model {self.path}")).encode())

    def do_POST(self) -> None:
        """A prediction."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        found = re.fullmatch(r"/v1/models/([^/:]+)(?:/(versions|labels)/(\w+))?:predict", self.path)
        try:
            if not found:
                raise Refused(404, f"Malformed request: POST {self.path}")
            runner = self.models.find(found[1], found[2] or "", found[3] or "")
            self.answer(200, json.dumps(predict(runner, body)).encode())
        except Refused as refused:
            self.answer(refused.status, json.dumps(dict(error=str(refused))).encode())

    def answer(self, status: int, body: bytes) -> None:
        """Send it."""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *told: Any) -> None:
        """Say it only to who wants to know."""
        logging.getLogger(__name__).debug(*told)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rest_api_port", type=int)
    parser.add_argument("--model_config_file", type=Path)
    options, _ = parser.parse_known_args()
    Handler.models = Models(options.model_config_file)
    threading.Thread(target=Handler.models.poll, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", options.rest_api_port), Handler).serve_forever()


if __name__ == "__main__":
    main()
