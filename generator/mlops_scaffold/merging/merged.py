"""What a merge of trees comes to: git's merge and the merge by formats both fill it in."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlops_scaffold.vcs.repository import Blob

if TYPE_CHECKING:
    from mlops_scaffold.merging.resolve import Resolution

Stages = dict[int, Blob]  # 1 base, 2 ours, 3 theirs


@dataclass
class MergedTree:
    """The merged files, and what there is to report of them."""

    entries: dict[str, Blob]
    conflicts: dict[str, Stages] = field(default_factory=dict)
    stays_deleted: list[str] = field(default_factory=list)  # the project deleted it, the template changed it
    stays: list[str] = field(default_factory=list)  # the project changed it, the template removed it
    resolved: dict[str, "Resolution"] = field(default_factory=dict)  # git left it in conflict, its format did not
