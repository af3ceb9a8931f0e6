"""MLServer's endpoint for rows: the Open Inference Protocol."""

from . import protocol

PORT = 8000
PORTS = ("PORT", "GRPC_PORT", "METRICS_PORT")  # the variables that say where it listens
READY = "/ready"  # 200, or 503 with the reason
UNREADY = 503
ENDPOINTS = {"v2": protocol.ENDPOINT}
