"""What stands in the cloud: shown before it is made, made, asked whether it is ready, and taken down again.

    uv run poe plan      what a deployment would change, and what of it costs money while it stands
    uv run poe deploy    show that, ask, push the image with the champion, make it, wait until it is ready
    uv run poe destroy   show what stands, ask, take it down

With --yes nobody is asked, as in a CI, where a person starts the stage. It refuses to take anything down unless
--even-destroy is given too. What is applied is the very plan that was shown. CI's stage takes down with
--keep-identities, as it may not touch who may do what: they cost nothing, and it is logged in as one of them.
"""

from __future__ import annotations

import argparse
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mlops_kit import models
from mlops_kit.cloud import CloudError, login, provider, terraform
from mlops_kit.cloud.settings import from_terraform, keep_own_remote, read, write
from mlops_kit.ground import command, project, say
from mlops_kit.ground.cloud_file import Settings
from mlops_kit.ground.cloud_file import file as cloud_file

PATIENCE = 300  # seconds until a new service must be ready
REVISIONS = {"aws_ecs_task_definition"}  # a new one for each image; the one before stays, to go back to
# Everything but who may do what.
KEEPING_IDENTITIES = [f"-target=module.{name}" for name in ("alerts", "service", "registry", "storage")]
SIGNS = {"create": "+", "update": "~", "delete": "-", "delete create": "±", "create delete": "±"}


def has_service() -> bool:
    """Whether there is an image to deploy."""
    return (project().root / "Dockerfile").exists()


@dataclass(frozen=True)
class Change:
    """What a plan does to one resource: the sign is + for made, ~ for changed, - for taken down, ± for both."""

    sign: str
    address: str
    kind: str


@dataclass(frozen=True)
class Plan:
    """A plan as Terraform has saved it: what is in it is what is applied."""

    file: str
    changes: list[Change]

    def count(self, signs: str) -> int:
        """How many changes have one of these signs."""
        return sum(change.sign in signs for change in self.changes)


# --- plan ------------------------------------------------------------------------------------------------------------


def make_plan(*options: str) -> Plan:
    """Let Terraform plan, save it, and read what is in it."""
    login.folder().mkdir(exist_ok=True, mode=0o700)
    file = str(login.folder() / "plan")
    terraform.ask("plan", "-input=false", "-lock-timeout=60s", f"-out={file}", *options)
    told = json.loads(terraform.ask("show", "-json", file))
    signs = ((SIGNS.get(" ".join(row["change"]["actions"]), ""), row) for row in told.get("resource_changes", []))
    return Plan(file, [Change(sign, row["address"], row["type"]) for sign, row in signs if sign])


def show(plan: Plan) -> None:
    """Print a plan: each change, what costs money, the counts."""
    for change in plan.changes:
        print(f"  {change.sign} {change.address}")
    paid = sorted({change.kind for change in plan.changes if change.sign != "-" and change.kind in provider().COSTS})
    for kind in paid:
        print(f"  costs money while it stands: {kind}, {provider().COSTS[kind]}")
    say("plan", f"{plan.count('+±')} to add, {plan.count('~')} to change, {plan.count('-±')} to destroy")


def approve(plan: Plan, yes: bool, even_destroy: bool) -> None:
    """Ask whether to do it. Raises CloudError where the answer is no, or --yes would take something down."""
    if yes:
        if any(change.sign in "-±" and change.kind not in REVISIONS for change in plan.changes) and not even_destroy:
            raise CloudError("Nothing was done: the plan takes something down. To do that unasked, add --even-destroy.")
        return
    try:
        answer = input("Do it? [y/N] ")
    except EOFError:
        raise CloudError("Nothing was done: nobody answers here. To do it unasked, add --yes.") from None
    except KeyboardInterrupt:
        raise CloudError("Nothing was done.") from None
    if answer.strip().lower() not in ("y", "yes"):
        raise CloudError("Nothing was done.")


def begin() -> None:
    """Raise CloudError where nobody is logged in, or AWS has no such region; else make Terraform ready."""
    terraform.program()
    renew()
    settings = replace(read() or Settings(project().cloud, "", ""), region=terraform.region())
    say("cloud", f"{project().cloud} knows you as {provider().who(settings)}")
    terraform.initialise()


def founded() -> bool:
    """Whether there is a place for data and one for images: making them may have stopped between the two."""
    told = terraform.outputs()
    if not has_service():
        return bool(told.get("storage_url"))
    return terraform.stands("registry") and all(told.get(name) for name in ("storage_url", "image"))


def running(image: str) -> list[str]:
    """What tells Terraform which image is to run: nothing where this project has no service."""
    return [f"-var=image={image}"] if has_service() else []


def foundation() -> Plan:
    """The plan of everything but the service, which needs an image, and that a registry."""
    if has_service():
        say("plan", "first storage, registry and identities; the service comes after them")
    return make_plan(*running(""))


def target(settings: Settings) -> str:
    """The image that is to run; empty where this project has no service."""
    if not has_service():
        return ""
    from mlops_kit.delivery.image import version

    champion = models.read_champion()
    if champion is None:
        raise CloudError("There is no champion to serve yet: uv run poe repro, then register, then promote.")
    return f"{settings.image}:{version(champion)}"


def plan_only() -> None:
    """Show what `deploy` would do now."""
    begin()
    show(make_plan(*running(target(from_terraform()))) if founded() else foundation())


# --- deploy ----------------------------------------------------------------------------------------------------------


def deploy(yes: bool, even_destroy: bool) -> None:
    """Show, ask, make; the foundation first where it does not stand yet. A deployment that stopped goes on."""
    begin()
    if not founded():
        keep_own_remote()
        carry_out(foundation(), yes, even_destroy)
    settings = what_stands()
    image = target(settings)
    carry_out(make_plan(*running(image)), yes, even_destroy, before=lambda: bring_image(image))
    settings = what_stands()
    if settings.endpoint:
        inside = is_inside(settings.endpoint)
        say("service", where_to_look(settings) if inside else wait_until_ready(settings.endpoint))


def carry_out(plan: Plan, yes: bool, even_destroy: bool, before: Callable[[], None] = lambda: None) -> None:
    """Show a plan, ask, do what comes before it, apply it."""
    show(plan)
    if not plan.changes:
        return
    approve(plan, yes, even_destroy)
    before()
    renew()
    terraform.run("apply", "-input=false", plan.file)


def renew() -> None:
    """A newer token of this CI job: what was done since the last one may have taken longer than it is good for."""
    if settings := read():
        login.renew(settings)


def what_stands() -> Settings:
    """What infra/ has made; cloud.yaml and DVC's remote are written anew where that has changed."""
    renew()
    settings = from_terraform()
    if settings != read():
        write(settings)
    return settings


def bring_image(image: str) -> None:
    """Build the image, try it out and push it. Raises CloudError where it is no longer the one that was planned."""
    if image:
        from mlops_kit.delivery.image import ImageError, build, push_to_cloud, test

        try:
            if build(reuse=True) != image.rpartition(":")[2]:
                raise ImageError("Files of the image were changed after the plan was made.")
            say("image", test())
            say("image", push_to_cloud())
        except ImageError as error:
            raise CloudError(f"{error}\nNothing of the service was changed. Go on with: uv run poe deploy") from None


def is_inside(endpoint: str) -> bool:
    """Whether only apps of the same environment of Azure can ask: the address says so, and answers 404 to all others.

    https://learn.microsoft.com/azure/container-apps/ingress-overview
    """
    host = urllib.parse.urlsplit(endpoint).hostname or ""
    return ".internal." in host and host.endswith(".azurecontainerapps.io")


def where_to_look(settings: Settings) -> str:
    """What there is to say of such a service: Azure takes a revision before it is ready, and knows when it is."""
    look = f"az containerapp revision list --name {settings.service} --resource-group {settings.service} --output table"
    return f"{settings.endpoint} stands, and answers only apps of its environment. Whether it is ready says: {look}"


def wait_until_ready(endpoint: str) -> str:
    """Ask /ready until it answers. Raises CloudError when the patience is at its end."""
    deadline, last = time.monotonic() + PATIENCE, ""
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{endpoint}/ready", timeout=10) as answer:
                told: dict[str, Any] = json.load(answer)
            return f"{endpoint} is ready, with run {told.get('version', '')}"
        except urllib.error.HTTPError as error:
            if error.code in (401, 403):
                return f"{endpoint} stands, and answers only those whom the cloud lets in"
            last = f"it answers {error.code}"
        except OSError as error:
            last = str(error)
        time.sleep(2)
    raise CloudError(f"{endpoint} is not ready after {PATIENCE} s: {last}. Its log is in the cloud's console.")


# --- destroy ---------------------------------------------------------------------------------------------------------


def destroy(yes: bool, keep_identities: bool) -> None:
    """Show what stands, ask, take it down; a destruction that stopped goes on."""
    begin()
    if cloud_file().exists():
        say("data", "kept, unless delete_data=true was applied (infra/README.md). To fetch it: uv run poe cloud-leave")
    plan = make_plan("-destroy", *running(""), *(KEEPING_IDENTITIES if keep_identities else []))
    carry_out(plan, yes, even_destroy=True)


@command
def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="poe deploy", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("plan", help="show what a deployment would change")
    deploying = commands.add_parser("deploy", help="show it, ask, make it")
    deploying.add_argument("--yes", action="store_true", help="do not ask")
    deploying.add_argument("--even-destroy", action="store_true", help="with --yes: also what takes something down")
    destroying = commands.add_parser("destroy", help="show what stands, ask, take it down")
    destroying.add_argument("--yes", action="store_true", help="do not ask")
    destroying.add_argument("--keep-identities", action="store_true", help="all but who may do what, as CI does it")
    chosen = parser.parse_args()
    try:
        if chosen.command == "plan":
            plan_only()
        elif chosen.command == "deploy":
            deploy(chosen.yes, chosen.even_destroy)
        else:
            destroy(chosen.yes, chosen.keep_identities)
    except KeyboardInterrupt:
        raise CloudError(f"Interrupted. Continue with: uv run poe {chosen.command}") from None


if __name__ == "__main__":
    main()
