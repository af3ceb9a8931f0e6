"""What brings a model out: the image, the manifests and the cloud, with stand-ins of docker and terraform on PATH."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlops_kit import models
from mlops_kit.cloud import CloudError, provider
from mlops_kit.delivery import deploy, image, manifests
from mlops_kit.ground import Project, using
from mlops_kit.models import folder_md5, git_commit

from tests.conftest import ROOT, git
from tests.kit.programs import Program, champion_of
from tests.kit.projects import write


@pytest.fixture
def here(project: Project, saved: Path, tmp_path: Path) -> Iterator[Project]:
    """A project in a commit whose champion is in model/."""
    with champion_of(project, saved, tmp_path / "own") as own:
        yield own


# --- the image -------------------------------------------------------------------------------------------------------


def test_the_image_is_built_of_the_verified_champion_and_named_after_it(
    here: Project, program: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    podman = program("podman")
    monkeypatch.setenv("CONTAINER_ENGINE", "podman")
    monkeypatch.setenv("CONTAINER_OPTIONS", "--network host")
    champion = models.read_champion()
    assert champion
    assert image.build() == image.version(champion)
    (asked,) = podman.asked()
    assert asked[:6] == ["build", "--format", "docker", "--layers", "--network", "host"]
    md5 = folder_md5(here.root / "model")
    assert {f"MODEL_MD5={md5}", f"CHAMPION_MD5={md5}", f"REVISION={git_commit()}"} <= set(asked)
    image.verify(here.root / "build/champion", "")
    write(here.root / "build/champion/MLmodel", "another\n")
    with pytest.raises(image.ImageError, match=r"is not the champion\. Build the image with: uv run poe image"):
        image.verify(here.root / "build/champion", "")


def test_an_images_version_follows_from_its_files_and_not_from_the_commit(here: Project) -> None:
    champion = models.read_champion()
    assert champion
    clean = image.version(champion)
    assert clean.startswith("3-")
    assert image.revision() == git_commit()
    write(here.root / "notes.md", "not in the image\n")
    assert image.version(champion) == clean
    write(here.root / "src/plain/more.py", "MORE = 1\n")
    edited = image.version(champion)
    assert image.revision() == f"{git_commit()}-dirty"
    git("add", "src", cwd=here.root)
    git("commit", "--quiet", "--message", "more", cwd=here.root)
    assert image.version(champion) == edited != clean
    (here.root / "src/plain/more.py").chmod(0o755)
    assert image.version(champion) != edited


def test_an_image_that_the_registry_has_is_pulled_and_only_where_files_and_model_are_the_same(
    here: Project, program: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker, champion, md5 = program("docker"), models.read_champion(), folder_md5(here.root / "model")
    assert champion
    label = image.version(champion)
    name = f"registry.example.com/team/churn:{label}"
    same = dict(Env=[f"MODEL_MD5={md5}", f"CHAMPION_MD5={md5}"], Labels={image.VERSION: label})
    docker.answers({"image inspect": (0, json.dumps([{"Config": same}]))})
    assert image.build(reuse=True) == label  # no registry is named: built
    assert [words[0] for words in docker.asked()] == ["build"]
    monkeypatch.setenv("IMAGE", "registry.example.com/team/churn")
    assert image.build(reuse=True) == label
    assert docker.asked()[1:] == [["pull", name], ["image", "inspect", name], ["tag", name, "plain"]]
    image.build()  # not asked to: as a release is
    others = (dict(same, Env=[f"MODEL_MD5={md5}", "CHAMPION_MD5=other"]), dict(same, Labels=None))
    for found in ((1, "not found"), *((0, json.dumps([{"Config": other}])) for other in others)):
        docker.answers({"pull" if found[0] else "image inspect": found})
        assert image.build(reuse=True) == label
    built = [words for words in docker.asked() if words[0] == "build"]
    assert len(built) == 5
    assert ["--cache-from" in words for words in built] == [False, False, True, True, True]
    assert built[-1][1:3] == ["--cache-from", "registry.example.com/team/churn:latest"]
    assert all("BUILDKIT_INLINE_CACHE=1" in words for words in built)


def test_without_a_champion_or_an_engine_nothing_is_built(
    here: Project, program: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = program("docker")
    docker.answers({"build": (1, "no space left")})
    with pytest.raises(image.ImageError, match=r"`docker build` failed: see above\.$"):
        image.build()
    docker.answers({"build": (1, ""), "version": (1, "Cannot connect to the Docker daemon")})
    with pytest.raises(image.ImageError, match=r"No Docker daemon answers\. Start Docker, or name podman or buildah"):
        image.build()
    monkeypatch.setenv("CONTAINER_ENGINE", "nerdctl-of-nobody")
    with pytest.raises(image.ImageError, match=r"nerdctl-of-nobody cannot be started\. Install it"):
        image.build()
    models.champion_file().unlink()
    with pytest.raises(image.ImageError, match="There is no champion yet"):
        image.build()


@pytest.mark.parametrize("user", ["", "root", "0:0"])
def test_an_image_that_runs_as_root_is_refused(user: str, here: Project, program: Callable[[str], Program]) -> None:
    docker = program("docker")
    docker.answers({"image inspect": (0, json.dumps([{"Config": {"User": user}}]))})
    with pytest.raises(image.ImageError, match="runs as root"):
        image.test()
    docker.answers({"image inspect": (1, "no such image")})
    with pytest.raises(image.ImageError, match=r"There is no image plain\. Build it with: uv run poe image"):
        image.test()


def test_a_service_that_does_not_start_shows_its_log_and_is_taken_away(
    here: Project, program: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = program("docker")
    docker.answers({"image inspect": (0, '[{"Config": {"User": "10001"}}]'), "logs": (0, "ImportError: no module")})
    monkeypatch.setattr(image, "PATIENCE", 0.1)
    with pytest.raises(image.ImageError, match=r"not ready after 0\.1 s: .* does not answer(.|\n)*  ImportError"):
        image.test()
    runs = {words[0]: words for words in docker.asked()}
    assert {"--read-only", "--cap-drop", "no-new-privileges"} <= set(runs["run"])
    assert runs["rm"][:2] == ["rm", "--force"]


def test_an_image_is_pushed_under_its_version_and_as_latest(
    here: Project, program: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker, labels = program("docker"), {"org.opencontainers.image.version": "3-abc"}
    inspected = {"image inspect": (0, json.dumps([{"Config": {"Labels": labels}}]))}
    docker.answers(inspected)
    with pytest.raises(image.ImageError, match="IMAGE is not set"):
        image.push()
    monkeypatch.setenv("IMAGE", "registry.example.com/Team/Churn")
    monkeypatch.setenv("REGISTRY_USER", "ci")
    monkeypatch.setenv("REGISTRY_PASSWORD", "secret")
    names = ["registry.example.com/team/churn:3-abc", "registry.example.com/team/churn:latest"]
    assert image.push() == f"pushed {' and '.join(names)}"
    assert [words[1] for words in docker.asked() if words[0] == "push"] == names
    assert "secret" not in str(docker.asked())
    monkeypatch.setenv("IMAGE", "registry.example.com/team/churn:mine")
    assert image.push() == "pushed registry.example.com/team/churn:mine"
    docker.answers({**inspected, "login": (1, "denied")})
    with pytest.raises(image.ImageError, match=r"registry\.example\.com does not let ci in: denied"):
        image.push()


@pytest.mark.parametrize(
    ("host", "expected"),
    [("", "127.0.0.1"), ("tcp://docker:2375", "docker"), ("unix:///run/docker.sock", "127.0.0.1")],
)
def test_a_container_listens_where_its_engine_is(host: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert image.engine_host() == expected


# --- manifests -------------------------------------------------------------------------------------------------------


@pytest.fixture
def manifested(here: Project) -> Project:
    """A project with the manifests that overlays stand on."""
    for file in (ROOT / "template/project/deploy").rglob("*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8").replace("{{ project_name }}", here.name)
            write(here.root / "deploy" / file.relative_to(ROOT / "template/project/deploy"), text)
    return here


def overlay(project: Project, system: str) -> dict[str, Any]:
    """What is written for a system."""
    file = project.root / f"deploy/versions/{system}/kustomization.yaml"
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def test_the_champion_gets_the_traffic_and_the_challenger_its_share(manifested: Project) -> None:
    storage = "s3://models.example.com/plain/"
    champion = manifests.export(*manifests.champion(), storage)
    assert champion == manifests.Version("3", "s3://models.example.com/plain/3")
    settings = json.loads((manifested.root / "build/models/3/model-settings.json").read_text(encoding="utf-8"))
    assert settings["parameters"] == {"uri": "./", "version": "3"}
    challenger = manifests.Version("4", "s3://models.example.com/plain/4")
    images = manifests.image("registry.example.com/plain:7")
    for system in manifests.SYSTEMS:
        manifests.write(system, manifests.Rollout(champion), images)
        assert overlay(manifested, system)["images"] == [
            {"name": "plain", "newName": "registry.example.com/plain", "newTag": "7"}
        ]
        assert challenger.uri not in str(overlay(manifested, system))
        manifests.write(system, manifests.Rollout(champion, challenger, 10), images)
    (change,) = yaml.safe_load(overlay(manifested, "core1")["patches"][0]["patch"])
    traffic = {one["name"]: (one["traffic"], one["graph"]["modelUri"]) for one in change["value"]}
    assert traffic == {"champion": (90, champion.uri), "challenger": (10, challenger.uri)}
    assert "canaryTrafficPercent" in overlay(manifested, "kserve")["patches"][0]["patch"]
    (_, experiment) = yaml.safe_load_all(
        (manifested.root / "deploy/versions/core2/challenger.yaml").read_text(encoding="utf-8")
    )
    assert [one["weight"] for one in experiment["spec"]["candidates"]] == [90, 10]


def test_the_command_writes_every_system_and_says_what_to_copy_and_apply(
    manifested: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        models, "from_registry", lambda alias: ("4" * (alias == "challenger"), manifested.root / "model")
    )
    given = ["--storage", "s3://m", "--image", "registry.example.com/plain:7"]
    for more, split in ([], ""), (["--canary", "10"], ", challenger: version 4, 10 %"):
        monkeypatch.setattr("sys.argv", ["manifests", *given, *more])
        manifests.main()
        for system in manifests.SYSTEMS:
            text = (manifested.root / f"deploy/versions/{system}/kustomization.yaml").read_text(encoding="utf-8")
            assert text.startswith(f"# Written by `poe manifests`. Champion: version 3{split}.\n")
    assert (manifested.root / "build/models/4/MLmodel").exists()
    copy, *apply = capsys.readouterr().out.splitlines()[-4:]
    assert copy.startswith("deploy/versions/ is written. Copy build/models/ to s3://m, then apply one of the overlays:")
    assert apply == [f"kubectl apply --kustomize deploy/versions/{system}" for system in manifests.SYSTEMS]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--storage", "models", "--image", "a:1"], "'models' is no address of a storage"),
        (["--storage", "s3://m", "--image", "a:1", "--canary", "100"], "A share of 100 % is none"),
        (["--storage", "s3://m", "--image", "a b"], "'a b' names no image"),
    ],
)
def test_what_cannot_be_written_is_a_sentence(
    arguments: list[str], sentence: str, here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["manifests", *arguments])
    with pytest.raises(SystemExit, match=sentence):
        manifests.main()
    assert not (here.root / "build").exists()


# --- the cloud -------------------------------------------------------------------------------------------------------


@pytest.fixture
def planned(here: Project, program: Callable[[str], Program]) -> Callable[..., deploy.Plan]:
    """Gives the plan that a stand-in of terraform makes of some changes: (actions, kind)."""
    (here.root / "infra").mkdir()
    terraform, folder = program("terraform"), f"-chdir={here.root / 'infra'}"

    def plan(*changes: tuple[str, str]) -> deploy.Plan:
        rows = [
            {"change": {"actions": actions.split()}, "address": f"{kind}.one", "type": kind}
            for actions, kind in changes
        ]
        terraform.answers({f"{folder} show": (0, json.dumps({"resource_changes": rows}))})
        return deploy.make_plan()

    return plan


@pytest.fixture
def on_aws(here: Project) -> Iterator[Project]:
    """The same project, on AWS."""
    with using(replace(here, cloud="aws")) as moved:
        yield moved


def test_a_plan_says_what_it_does_and_what_costs_money(
    on_aws: Project, planned: Callable[..., deploy.Plan], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned(("create", "aws_ecs_service"), ("no-op", "aws_vpc"), ("delete create", "aws_s3_bucket"))
    deploy.show(plan)
    told = capsys.readouterr().out
    assert "  + aws_ecs_service.one\n  ± aws_s3_bucket.one\n" in told
    assert "2 to add, 0 to change, 1 to destroy" in told
    costs = provider().COSTS
    assert [kind for kind in costs if f"costs money while it stands: {kind}, " in told] == [
        kind for kind in costs if kind in ("aws_ecs_service", "aws_s3_bucket")
    ]


def test_nothing_is_done_that_nobody_said_yes_to(
    on_aws: Project, planned: Callable[..., deploy.Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    harmless, harmful = planned(("create", "aws_vpc")), planned(("delete", "aws_s3_bucket"))
    deploy.approve(harmless, yes=True, even_destroy=False)
    deploy.approve(planned(("delete create", "aws_ecs_task_definition")), yes=True, even_destroy=False)
    deploy.approve(harmful, yes=True, even_destroy=True)
    with pytest.raises(CloudError, match=r"takes something down\. To do that unasked, add --even-destroy"):
        deploy.approve(harmful, yes=True, even_destroy=False)

    def answer(text: str | type[BaseException]) -> None:
        def asked(_: str) -> str:
            if isinstance(text, str):
                return text
            raise text

        monkeypatch.setattr("builtins.input", asked)
        deploy.approve(harmful, yes=False, even_destroy=False)

    answer("y")
    answer(" YES ")
    for given, sentence in (
        ("n", "Nothing was done."),
        ("", "Nothing was done."),
        (EOFError, "To do it unasked, add --yes"),
    ):
        with pytest.raises(CloudError, match=sentence):
            answer(given)


def test_an_address_that_only_its_environment_reaches_is_not_asked() -> None:
    assert deploy.is_inside("https://churn.internal.wise.westeurope.azurecontainerapps.io")
    assert not deploy.is_inside("https://churn.wise.westeurope.azurecontainerapps.io")
    assert not deploy.is_inside("https://internal.example.com")


def test_a_service_that_is_never_ready_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "PATIENCE", -1)
    with pytest.raises(CloudError, match=r"http://127\.0\.0\.1:1 is not ready after -1 s"):
        deploy.wait_until_ready("http://127.0.0.1:1")


def test_without_terraform_or_infra_the_next_step_is_said(
    here: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["deploy", "plan"])
    with pytest.raises(SystemExit, match=r"There is no infra/ here\. Name a bucket instead"):
        deploy.main()
    (here.root / "infra").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="Neither terraform nor tofu is on PATH"):
        deploy.main()
