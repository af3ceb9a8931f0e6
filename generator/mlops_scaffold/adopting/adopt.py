"""An adoption, from a folder to a branch: refuse, look, render, plan, and write unless it is a dry run."""

from contextlib import nullcontext

from mlops_scaffold.adopting import committing
from mlops_scaffold.adopting.looking import Found, answers, look
from mlops_scaffold.adopting.planning import plan, require_free
from mlops_scaffold.adopting.refusals import require_adoptable
from mlops_scaffold.adopting.request import LEVELS, Outcome, Request
from mlops_scaffold.adopting.tasks import add_page
from mlops_scaffold.applying import journal, taking_back
from mlops_scaffold.creating.new import given_answers
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.report import Report
from mlops_scaffold.ground.settings import load_settings
from mlops_scaffold.rendering import Asked, Rendered, questions, render
from mlops_scaffold.sources.address import find_address, is_trusted
from mlops_scaffold.sources.source import Version, open_version
from mlops_scaffold.vcs.repository import Repository, open_repository
from mlops_scaffold.vcs.scratch import scratch


def adopt(request: Request, report: Report) -> Outcome:
    """Bring a repository under the template. Raises MlopsError, with everything as it was, where it cannot be."""
    if request.level not in LEVELS:
        raise MlopsError(f"There is no level {request.level!r}.", f"There are: {', '.join(LEVELS)}.")
    repository = open_repository(request.folder)
    recovered = taking_back.recover(repository)
    if recovered:
        report.warn(recovered)
        committing.remove_unused_branch(repository)
    taking_back.refuse_foreign(repository)
    require_adoptable(repository, request.answers_file, request.dry_run)
    version = open_version(find_address(request.template), request.ref, request.prereleases, request.offline)
    for notice in version.notices:
        report.warn(notice)
    alone = nullcontext(journal.Journal(repository)) if request.dry_run else journal.locked(repository)
    with alone as record, scratch(repository) as place:
        found = look(place, repository.entries_of(repository.head()))
        theirs = rendered(request, repository, version, found)
        made = plan(place, theirs, version, found)
        page = add_page(made, place, found, theirs.answers_path.as_posix())
        require_free(repository, made)
        notices = [
            *found.notices,
            *(f"{line}; not taken over" for line in left(request, found)),
            f"What is left is in {page}",
        ]
        commits = [] if request.dry_run else committing.write(made, place, record)
    return Outcome(request.level, version.name, made.changes, notices, commits)


def left(request: Request, found: Found) -> list[str]:
    """The requirements that are not taken over, where they are to be."""
    return found.legacy.left if request.level == "package" else []


def rendered(request: Request, repository: Repository, version: Version, found: Found) -> Rendered:
    """The template for this repository; a person is asked what is not sure. Raises MlopsError for a wrong answer."""
    known = questions(version)
    if "level" not in known:
        raise MlopsError(
            f"The template {version.name} has no levels, so that a part of it cannot be adopted.",
            "Name a newer version by --vcs-ref, or another template by --template.",
        )
    sure, proposed = answers(found, request.level, repository.folder.name, known)
    given = given_answers([version], request.data, request.data_file)
    if given.get("level", request.level) != request.level:
        raise MlopsError("Two levels are asked for.", "Say it by --level alone.")
    asked = Asked(
        data={**sure, **given},
        user_defaults={**load_settings().defaults, **proposed},
        defaults=request.defaults,
        answers_file=request.answers_file,
        trust=is_trusted(version.source, request.trust),
        skip_tasks=True,
    )
    return render(version, repository.folder, asked)
