"""What is wrong with this clone, why it matters, and the command that fixes it: checks, by what they are about."""

from mlops_kit.workspace.doctor import data, git_checks, lifecycle, machine, remote, settings
from mlops_kit.workspace.doctor.form import Check

SUBJECTS = (git_checks, settings, data, remote, lifecycle, machine)  # in the order in which they are looked at
CHECKS = {one.name: one for subject in SUBJECTS for one in vars(subject).values() if isinstance(one, Check)}

__all__ = ["CHECKS"]
