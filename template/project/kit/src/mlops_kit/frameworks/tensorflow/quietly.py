"""TensorFlow and Keras, set up before they are loaded: no chatter, and the same numbers on every machine."""

import logging
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# oneDNN's kernels add up in another order, which depends on the processor.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import tensorflow

# A search has a network for each fold of each trial, and each is traced once: no reason to warn.
logging.getLogger("tensorflow").addFilter(lambda record: "retracing" not in record.getMessage())

__all__ = ["keras", "tensorflow"]
