"""The model's life: candidate, challenger, champion, retired; and the moves between them."""

from mlops_kit.registry.errors import RegistryError
from mlops_kit.registry.gates import check_gates, gate, read_report, trained_md5
from mlops_kit.registry.history import Move, moves, one_at_a_time
from mlops_kit.registry.promotion import promote
from mlops_kit.registry.registering import register
from mlops_kit.registry.status import Registered, status, versions
from mlops_kit.registry.withdrawal import retire, rollback

__all__ = [
    "Move",
    "Registered",
    "RegistryError",
    "check_gates",
    "gate",
    "moves",
    "one_at_a_time",
    "promote",
    "read_report",
    "register",
    "retire",
    "rollback",
    "status",
    "trained_md5",
    "versions",
]
