"""What a champion.yaml, an MLflow server or a model file says is checked before anything is done with it."""

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from mlops_kit import models
from mlops_kit.contract import Contract
from mlops_kit.frameworks.archive import check_archive
from mlops_kit.frameworks.errors import ModelError
from mlops_kit.frameworks.sklearn.saving import load_model, untrusted
from mlops_kit.ground import Project, using
from mlops_kit.models import Champion, ChampionError
from mlops_kit.serving import mlflow_server
from mlops_kit.serving.champion import Keeper
from mlops_kit.serving.follow import check_hash

from tests.kit.projects import copied
from tests.web import Quiet, listening

GOOD = dict(version=1, model="a" * 32 + ".dir", data="", commit="", prediction_sha256="", metrics={})


@pytest.fixture
def here(project: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the project, for what is written."""
    with using(copied(project, tmp_path / "here", "contract.yaml", "src")) as chosen:
        yield chosen


# --- champion.yaml ---------------------------------------------------------------------------------------------------


def text(**changed: Any) -> str:
    """A champion.yaml."""
    return json.dumps({**GOOD, **changed})


BROKEN = {
    "": "is empty",
    "<<<<<<< HEAD\nversion: 1\n=======\nversion: 2\n>>>>>>> theirs\n": "has conflict markers",
    "[]": "is not a mapping",
    "version: [": "is not valid YAML",
    "[" * 5000: "is not valid YAML",
    "version: 1" + ":1" * 300 + ".5": "is not valid YAML",
    text().replace("1", "0x" + "f" * 9000, 1): "has an unexpected value of 'version'",
    "{version: 1}": "has no key 'model'",
    text(unheard=1): "has an unknown key 'unheard'",
    text(version="one"): "has an unexpected value of 'version'",
    text(metrics={"a": "b"}): "has metrics that are not numbers",
    text(model="../../x"): "names a model by something that is not a hash",
    text(model="/etc"): "names a model by something that is not a hash",
    text(model=""): "names a model by something that is not a hash",
    text(commit="--upload-pack=x"): "names a commit by something that is not a hash",
}


@pytest.mark.parametrize("written", BROKEN, ids=lambda written: written[:40])
def test_a_broken_champion_file_is_a_sentence_with_a_next_step(written: str, here: Project, contract: Contract) -> None:
    (here.root / "champion.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(ChampionError) as refused:
        models.read_champion()
    assert str(refused.value).startswith(f"champion.yaml cannot be read: it {BROKEN[written]}")
    assert "git checkout HEAD -- champion.yaml" in str(refused.value)
    looking = Keeper(contract, swapped=lambda _: None)
    looking.look()
    assert BROKEN[written] in looking.served.reason


def test_a_champion_file_that_is_not_text_is_a_sentence(here: Project) -> None:
    (here.root / "champion.yaml").write_bytes(b"\xff\x00")
    with pytest.raises(ChampionError, match="is not valid YAML"):
        models.read_champion()


def test_a_champion_that_names_a_folder_outside_touches_nothing_there(here: Project) -> None:
    outside = here.root.parent / "x"
    outside.mkdir()
    (here.root / "champion.yaml").write_text(text(model="../../x"), encoding="utf-8")
    with pytest.raises(ChampionError):
        models.local_champion_folder()
    assert outside.is_dir()


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.sampled_from([*GOOD, "retired", "x"]), st.text(max_size=6) | st.integers() | st.none())
    | st.text(max_size=30)
)
def test_whatever_a_champion_file_holds_it_is_a_champion_or_a_sentence(
    made: Any, tmp_path_factory: Any, told: Any
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "champion.yaml").write_text(told if isinstance(told, str) else text(**told), encoding="utf-8")
    with using(replace(made("plain"), root=folder)):
        try:
            found = models.read_champion()
        except ChampionError:
            return
        assert found is not None
        assert (folder / ".champion" / found.model).resolve().parent == (folder / ".champion").resolve()


def test_a_reproduced_champion_that_was_changed_is_not_used(
    saved: Path, here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(saved, here.root / "model")
    (here.root / "metrics.json").write_text('{"prediction_sha256": ""}', encoding="utf-8")
    champion = Champion(**GOOD)  # type: ignore[arg-type]
    models.write_champion(champion)
    folder = models.reproduced_champion(champion)
    assert models.local_champion_folder() == folder
    (folder / "run_id").write_text("another\n", encoding="utf-8")
    with pytest.raises(ChampionError):
        models.local_champion_folder()


def test_a_reproduced_model_that_predicts_something_else_is_not_the_champion(here: Project) -> None:
    (here.root / "metrics.json").write_text('{"prediction_sha256": "another"}', encoding="utf-8")
    with pytest.raises(
        ChampionError, match=r"as the champion did\. See how the metrics differ: uv run dvc metrics diff"
    ):
        models.reproduced_champion(Champion(**GOOD))  # type: ignore[arg-type]


def test_a_model_folder_is_checked_by_its_hash(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    monkeypatch.setenv("MODEL_MD5", models.folder_md5(folder))
    check_hash(folder)
    (folder / "model.skops").write_bytes(b"another")
    with pytest.raises(ChampionError, match="is not the one that MODEL_MD5 names"):
        check_hash(folder)


def test_a_model_file_that_unpacks_to_far_more_is_refused(tmp_path: Path) -> None:
    bomb, damaged = tmp_path / "bomb", tmp_path / "damaged"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(100 * 2**20))
    with pytest.raises(ModelError, match="would unpack to 100 MB"):
        check_archive(bomb)
    damaged.write_bytes(b"no archive")
    with pytest.raises(ModelError, match="it is damaged"):
        check_archive(damaged)


def calling(file: Path, module: str, name: str, *arguments: str) -> None:
    """Write a model file that has skops call a class with some arguments when it is loaded."""
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(arguments))) as plain:
        schema = json.loads(plain.read("schema.json"))
    content = {key: value for key, value in schema.items() if key not in ("protocol", "_skops_version")}
    call = dict(__class__=name, __module__=module, __loader__="ConstructorFromReduceNode", content=content)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", json.dumps({**schema, **call}))


@pytest.mark.usefixtures("project")
def test_a_model_file_opens_no_file_by_a_class_that_scikit_learn_only_imports(tmp_path: Path) -> None:
    of_a_person = tmp_path / "mine"
    of_a_person.write_text("kept", encoding="utf-8")
    calling(tmp_path / "model.skops", "sklearn.datasets._covtype", "GzipFile", str(of_a_person), "wb")
    with pytest.raises(ModelError, match=r"sklearn\.datasets\._covtype\.GzipFile"):
        load_model(tmp_path)
    assert of_a_person.read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("name", "trusted"),
    {
        "sklearn.tree._tree.Tree": True,
        "numpy.float64": True,
        "numpy.dtypes.Float64DType": True,
        "numpy.random._pcg64.PCG64": True,
        "sklearn.datasets._base.Path": False,
        "sklearn.utils.validation.check_array": False,
        "sklearn.callback._scoring_monitor.ScoringMonitor": False,
        "numpy.memmap": False,
        "numpy.random.bit_generator.cycle": False,
        "numpy.load": False,
    }.items(),
)
def test_only_classes_of_a_librarys_own_are_trusted_unnamed(name: str, trusted: bool) -> None:
    assert untrusted([name], []) == ([] if trusted else [name])


# --- the MLflow server -----------------------------------------------------------------------------------------------


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[Any]]]:
    """A server that always answers so, by its address, and the requests that it had."""
    asked: list[Any] = []

    class Its(Quiet):
        def do_GET(self) -> None:
            asked.append(self.headers)
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with listening(Its) as address:
        yield address, asked


@pytest.mark.usefixtures("project")
def test_a_token_does_not_follow_a_redirect_to_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    with answering(200, b"{}") as (other, asked), answering(302, b"", location=f"{other}/x") as (address, first):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with pytest.raises(mlflow_server.Unreachable, match=r"redirects to http://127\.0\.0\.1"):
            mlflow_server.champion()
    assert first[0]["authorization"] == "Bearer secret"
    assert asked == []


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b"7", b"null", b'{"model_version": 1}', b'{"model_version": {}}', b"[" * 100_000],
    ids=lambda body: body[:40].decode(),
)
def test_an_answer_without_the_fields_is_a_server_that_is_away(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, body) as (address, _):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with pytest.raises(mlflow_server.Unreachable):
            mlflow_server.champion()


@pytest.mark.usefixtures("project")
def test_an_endless_list_of_files_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(dict(artifact_uri="mlflow-artifacts:/1/m", files=[dict(path="more", is_dir=True)])).encode()
    with answering(200, body) as (address, _):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with pytest.raises(mlflow_server.Unreachable, match="more files than a model has"):
            mlflow_server.download(mlflow_server.Version("1", ""), tmp_path / "m")
