"""MLServer's endpoint for rows: the Open Inference Protocol."""

from mlops_kit.serving import protocol
from mlops_kit.serving.endpoints import Interface


def interface() -> Interface:
    """Where MLServer listens."""
    ports = ("PORT", "GRPC_PORT", "METRICS_PORT")
    return Interface(8000, ports, ready="/ready", unready=503, endpoints={"v2": protocol.endpoint()})
