"""A SavedModel, run by its signature: as TensorFlow Serving runs it, without the code that made it."""

from pathlib import Path
from typing import Any

import numpy as np

from mlops_kit.frameworks.tensorflow.quietly import tensorflow as tf
from mlops_kit.frameworks.tensorflow.saved_model import SIGNATURE


class Runner:
    """A SavedModel that was read from a folder."""

    def __init__(self, folder: Path) -> None:
        tf.get_logger().setLevel("ERROR")  # the session is the old way, and the one that serving goes
        self.session = tf.compat.v1.Session(graph=tf.Graph())
        with self.session.graph.as_default():
            meta = tf.compat.v1.saved_model.load(self.session, ["serve"], str(folder))
        self.signature = meta.signature_def[SIGNATURE]

    def run(self, columns: dict[str, list[Any]]) -> dict[str, np.ndarray]:
        """The outputs for one list a column. Raises InvalidArgumentError for what the graph refuses."""
        feed = {self.signature.inputs[name].name: values for name, values in columns.items()}
        fetch = {name: info.name for name, info in self.signature.outputs.items()}
        found: dict[str, np.ndarray] = self.session.run(fetch, feed)
        return found
