"""The project that the library works for: found, read, told apart from others, and one sentence where it is no good."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from mlops_kit.contract import load
from mlops_kit.ground import KitError, Project, ProjectError, command, git, output_of, params, project, run, using
from mlops_kit.workspace.repro import run_to_its_end

from tests.kit.projects import ROOT, copied, make, write

COMMANDS = {
    "contract": ["mlops_kit.contract"],
    "sample": ["mlops_kit.data.sample"],
    "gate": ["mlops_kit.registry", "gate"],
    "predict": ["mlops_kit.serving.predict"],
    "serve": ["plain.serve"],
    "prepare": ["plain.prepare"],
    "train": ["plain.train"],
}


def said(folder: Path, *module: str) -> str:
    """What a command ends with where it cannot be done: one sentence, no traceback."""
    env = {**os.environ, "PYTHONPATH": str(folder / "src")}
    command = [sys.executable, "-m", *module]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


# --- found and read --------------------------------------------------------------------------------------------------


def test_a_project_is_found_from_any_folder_in_it(project: Project, tmp_path: Path) -> None:
    assert Project.find(project.root / "src/plain") == project
    with pytest.raises(ProjectError, match=r"is in no project: no folder above it has a contract\.yaml\. Go to one\."):
        Project.find(tmp_path)


def test_the_answers_are_read_and_the_usual_ones_need_not_be_there(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.mlops]\npackage = "mine"\nserving = "seldon"\nunheard_of = 1\n')
    read = Project.read(tmp_path)
    assert (read.name, read.package, read.framework, read.serving) == (tmp_path.name, "mine", "sklearn", "seldon")


BROKEN = {
    "it is missing": (None, r"pyproject\.toml is missing\. Take it back: git checkout HEAD -- pyproject\.toml"),
    "no TOML": ("[tool", r"pyproject\.toml is not valid TOML: .*\. Correct it\."),
    "no section": ("[project]\nname = 'a'\n", r"has no \[tool\.mlops\] that names the package\. Take it back"),
    "no package": ("[tool.mlops]\nserving = 'none'\n", r"has no \[tool\.mlops\] that names the package\. Take it back"),
    "no sections": ("tool = 7\n", r"has no \[tool\.mlops\] that names the package\. Take it back"),
    "an unknown framework": (
        "[tool.mlops]\npackage = 'a'\nframework = 'torch'\n",
        r"names the unknown framework 'torch'\. There are: lightgbm, sklearn, tensorflow\.",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_project_that_says_nothing_of_use_is_one_sentence_and_a_next_step(how: str, tmp_path: Path) -> None:
    text, sentence = BROKEN[how]
    if text is not None:
        write(tmp_path / "pyproject.toml", text)
    with pytest.raises(ProjectError, match=sentence) as refused:
        Project.read(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", [None, "model: [", "", "- a\n- b\n", "split: 1\n"])
def test_parameters_that_cannot_be_read_are_one_sentence(text: str | None, project: Project, tmp_path: Path) -> None:
    if text is not None:
        write(tmp_path / "params.yaml", text)
    with using(replace(project, root=tmp_path)), pytest.raises(ProjectError, match=r"^params\.yaml ") as refused:
        params()
    assert "\n" not in str(refused.value)


def test_a_section_that_is_missing_is_named(project: Project, tmp_path: Path) -> None:
    write(tmp_path / "params.yaml", "model: {}\nsplit: {}\nevaluate: {}\nmine: 3\ngates:\n")
    with using(replace(project, root=tmp_path)), pytest.raises(ProjectError, match="has no section 'gates'"):
        params()


@pytest.mark.parametrize("name", ["build", "baseline"])
def test_a_model_file_without_what_each_has_is_one_sentence(name: str, tmp_path: Path) -> None:
    made = make("plain", tmp_path, package=f"without_{name}")
    file = tmp_path / f"src/without_{name}/model.py"
    write(file, file.read_text(encoding="utf-8").replace(f"def {name}(", "def another("))
    with pytest.raises(ProjectError, match=rf"model\.py has no function {name}\. Write one: {name}\(.*returns a model"):
        _ = made.model


# --- the commands say the same ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["contract", "predict"])
def test_a_command_outside_of_a_project_says_where_it_is(name: str, tmp_path: Path) -> None:
    assert re.search(r"is in no project: .* Go to one\.$", said(tmp_path, *COMMANDS[name]))


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("gate", "[project]\nname = 'plain'\n", "has no [tool.mlops]"),
        ("serve", "[project]\nname = 'plain'\n", "has no [tool.mlops]"),
        ("prepare", "[tool.mlops]\npackage = 'plain'\nframework = 'torch'\n", "names the unknown framework 'torch'"),
    ],
)
def test_a_command_in_a_project_without_settings_of_use_says_so(
    name: str, settings: str, says: str, project: Project, tmp_path: Path
) -> None:
    copied(project, tmp_path, "contract.yaml", "params.yaml", "src")
    write(tmp_path / "pyproject.toml", settings)
    assert says in said(tmp_path, *COMMANDS[name])


def test_a_stage_says_what_is_wrong_with_the_parameters(project: Project, tmp_path: Path) -> None:
    copied(project, tmp_path)
    write(tmp_path / "params.yaml", "model: [")
    told = said(tmp_path, *COMMANDS["prepare"])
    # On a busy machine, lines of progress come before it.
    assert re.search(r"^params\.yaml cannot be read: .* Take it back from git's history\.$", told, re.MULTILINE)


def test_a_stage_says_what_is_wrong_with_the_model(project: Project, tmp_path: Path) -> None:
    copied(project, tmp_path)
    write(tmp_path / "src/plain/model.py", "BUILD = 1\n")
    assert "has no function build" in said(tmp_path, *COMMANDS["train"])


# --- several projects ------------------------------------------------------------------------------------------------


def test_two_projects_in_one_process_do_not_mix(tmp_path: Path) -> None:
    one, other = make("plain", tmp_path / "one"), make("prices", tmp_path / "other")
    with using(one):
        assert (project().name, load().target) == ("plain", "side")
        with using(other):
            assert (project().name, load().target) == ("prices", "price")
            assert Path(str(other.module("model").__file__)).is_relative_to(other.root)
        assert (project().name, load().target) == ("plain", "side")
        assert Path(str(one.module("model").__file__)).is_relative_to(one.root)


def test_two_projects_whose_packages_have_one_name_do_not_mix_either(tmp_path: Path) -> None:
    one, other = make("plain", tmp_path / "one", "same"), make("prices", tmp_path / "other", "same")
    for chosen, estimator in ((one, "Classifier"), (other, "Regressor"), (one, "Classifier")):
        with using(chosen):
            contract = load()
            rows = contract.sample(50)
            model = chosen.model.build(contract, {"max_iter": 2}).fit(contract.coerce(rows), contract.labels(rows))
            assert type(model[-1]).__name__ == f"Blend{estimator}"
            assert Path(str(chosen.module("features").__file__)).is_relative_to(chosen.root)


def test_a_fresh_process_finds_its_project_by_the_folder_it_is_in(project: Project) -> None:
    code = "from mlops_kit.ground import project; print(project().name, project().model.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=project.root / "tests", capture_output=True, text=True)
    assert done.stdout == "plain plain.model\n", done.stderr


# --- names of before -------------------------------------------------------------------------------------------------


def test_names_of_before_are_found_and_a_module_of_ones_own_goes_first(tmp_path: Path) -> None:
    made = make("plain", tmp_path, package="older")
    write(
        tmp_path / "src/older/mine.py",
        "from .contract import Contract\nfrom .drift import holm\nfrom .serving.rows import RowReader\n"
        "from .tracking import folder_md5\nfrom . import data\nfrom older.workspace import run\n",
    )
    write(tmp_path / "src/older/drift.py", "holm = 'my own'\n")
    with using(made):
        mine = made.module("mine")
        assert (mine.Contract.__module__, mine.holm) == ("mlops_kit.contract.contract", "my own")
        assert mine.data.split.__module__ == "mlops_kit.data.splitting"
        with pytest.raises(AttributeError, match="has no attribute 'unheard_of'"):
            _ = mine.data.unheard_of
    with pytest.raises(ModuleNotFoundError):
        __import__("another_package.contract")


# --- programs and commands -------------------------------------------------------------------------------------------


def test_a_program_that_fails_is_an_error_with_its_own_words(project: Project) -> None:
    with pytest.raises(KitError, match=r"failed:\nsorry"):
        run(sys.executable, "-c", "import sys; sys.exit('sorry')")
    assert git("no-such-command").returncode
    assert output_of("a-program-that-nobody-has") == ""
    assert output_of(sys.executable, "-c", "import os; print(os.getcwd())").strip() == str(project.root.resolve())


def test_what_is_wrong_is_one_sentence_and_exit_code_1() -> None:
    @command
    def refuse() -> None:
        raise KitError("It cannot be done.", "Do another thing.")

    with pytest.raises(SystemExit, match=r"^It cannot be done\. Do another thing\.$"):
        refuse()


def test_ctrl_c_and_a_reader_that_has_gone_leave_no_traceback(tmp_path: Path) -> None:
    @command
    def stopped() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        stopped()
    assert ended.value.code == 130
    code = "from mlops_kit.ground import command\ncommand(lambda: print('y\\n' * 100_000))()"
    shown = subprocess.run(
        f'{sys.executable} -c "{code}" | head -n 1', shell=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert (shown.stdout, shown.stderr) == ("y\n", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that a child could send to its parent")
@pytest.mark.usefixtures("project")
def test_a_run_that_is_stopped_says_how_to_go_on() -> None:
    stopped = "import os, signal; os.kill(os.getppid(), signal.SIGINT); raise SystemExit(130)"
    with pytest.raises(KitError, match=r"^Stopped\..*go on: uv run poe repro$"):
        run_to_its_end(sys.executable, "-c", stopped)
    assert run_to_its_end(sys.executable, "-c", "raise SystemExit(3)") == 3


def test_rows_generated_from_the_contract_are_written_as_the_raw_data_is(project: Project, tmp_path: Path) -> None:
    command = [sys.executable, "-m", *COMMANDS["sample"], "--rows", "20", "--output", str(tmp_path / "rows.csv")]
    subprocess.run(command, cwd=project.root, check=True)
    rows = load().read(tmp_path / "rows.csv")
    pd.testing.assert_frame_equal(rows, load().sample(20).astype(rows.dtypes))


def test_the_library_is_where_the_template_has_it() -> None:
    import mlops_kit

    assert Path(mlops_kit.__file__).is_relative_to(ROOT / "template/project/kit")
