"""What everything else stands on: the project that is worked for, programs, errors, commands."""

from mlops_kit.ground.commands import command
from mlops_kit.ground.conflicts import check_settled, settle, unmerged
from mlops_kit.ground.errors import KitError
from mlops_kit.ground.programs import git, git_bytes, is_shallow, output_of, run, run_openly, say
from mlops_kit.ground.progress import doing, reporting
from mlops_kit.ground.project import FRAMEWORKS, Model, ModelModule, Project, ProjectError, params, project, using
from mlops_kit.ground.worktree import main_root

__all__ = [
    "FRAMEWORKS",
    "KitError",
    "Model",
    "ModelModule",
    "Project",
    "ProjectError",
    "check_settled",
    "command",
    "doing",
    "git",
    "git_bytes",
    "is_shallow",
    "main_root",
    "output_of",
    "params",
    "project",
    "reporting",
    "run",
    "run_openly",
    "say",
    "settle",
    "unmerged",
    "using",
]
