"""Templates of all kinds: what we render without copier is what copier renders; what we cannot, we leave to copier."""

from pathlib import Path
from typing import Any

import pytest
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.rendering import Asked, copier_adapter, plain, render
from mlops_scaffold.rendering.plain_template import NotPlain, open_template
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import Version, open_version

from tests.conftest import git

ANSWERS_FILE = "{{ _copier_answers|to_nice_yaml -}}"

PLAIN: dict[str, dict[str, str]] = {
    "simple": {
        "copier.yml": "name: world\ncount: 3\nflag: true\nratio: 0.5\n",
        "a.txt.jinja": "{{ name }} {{ count + 1 }} {{ flag }} {{ ratio }} {{ missing }}\n",
        "b.txt": "{{ name }}\n",
        "{{ _copier_conf.answers_file }}.jinja": ANSWERS_FILE,
    },
    "names": {
        "copier.yml": "name: x\nuse: {type: bool, default: no}\n_subdirectory: '{{ name }}'\n",
        "x/{% if use %}gone.txt{% endif %}": "gone",
        "x/{{ name }}/{{ name }}.py.jinja": "print({{ name | to_json }})",
        "x/twice.txt": "left out for its template",
        "x/twice.txt.jinja": "template",
        "x/{{ _copier_conf.answers_file }}.jinja": ANSWERS_FILE,
    },
    "choices": {
        "copier.yml": (
            "one: {type: str, choices: [a, b], default: b}\n"
            "pair: {type: int, choices: {One: 1, Two: {value: 2, validator: '{% if one == \"a\" %}no{% endif %}'}},"
            " default: 2}\n"
            "many: {type: str, multiselect: true, choices: [x, 'y', z], default: [z, x]}\n"
            "text: {type: str, multiselect: true, choices: \"{{ ['p', 'q'] | to_json }}\", default: \"['q']\"}\n"
            "hidden: {type: yaml, when: false, default: '{{ many + text }}'}\n"
            "maybe: {when: '{{ one == \"a\" }}', default: 5}\n"
            "nodefault: {type: str, when: false}\n"
        ),
        "out.jinja": "{{ one }} {{ pair }} {{ many }} {{ text }} {{ hidden }} {{ maybe }}",
        "{{ _copier_conf.answers_file }}.jinja": ANSWERS_FILE,
    },
    "exclude": {
        "copier.yml": (
            "drop: keep\n_exclude:\n  - '*.md'\n  - |\n    {% if drop == 'drop' %}\n    /c/\n    {% endif %}\n"
        ),
        "a.md": "a",
        "c/d.txt": "d",
        "copier.txt": "c",
    },
    "strict": {
        "copier.yml": (
            "_envops: {undefined: jinja2.StrictUndefined, block_start_string: '[%', block_end_string: '%]',"
            " variable_start_string: '[[', variable_end_string: ']]', keep_trailing_newline: false}\n"
            "_templates_suffix: .tmpl\n_skip_if_exists: ['[[ name ]].txt']\nname: n\n"
        ),
        "x.tmpl": "[[ name ]] {{ no }}\n\n",
        "[[ name ]].txt": "n",
    },
    "unusual": {
        "copier.yml": (
            "words: [a, b]\nnothing: null\njson: {type: json, default: '{\"k\": 1}'}\npath: {type: path, default: p}\n"
        ),
        "crlf.txt.jinja": "one\r\ntwo\r\n",
        "ünï.txt.jinja": "{{ words }} {{ nothing }} {{ json.k }} {{ path }} {{ 'a-b' | regex_replace('-', '_') }}\n",
        "empty.jinja": "",
        "{{ _copier_conf.answers_file }}.jinja": ANSWERS_FILE,
    },
}
GIVEN: list[dict[str, Any]] = [{}, {"one": "a", "pair": 1, "many": ["x"]}, {"drop": "drop", "use": "yes", "name": "x"}]

FOREIGN: dict[str, dict[str, str]] = {
    "phase": {"copier.yml": "a: b\n", "x.jinja": "{{ _copier_phase }}"},
    "operation": {"copier.yml": "a: b\n_exclude: [\"{% if _copier_operation == 'update' %}y{% endif %}\"]\n", "y": "y"},
    "conf": {"copier.yml": "a: b\n", "x.jinja": "{{ _copier_conf.os }}"},
    "yield": {"copier.yml": "a: [1, 2]\n", "{% yield b from a %}{{ b }}{% endyield %}.jinja": "{{ b }}"},
    "include": {"copier.yml": "--- !include more.yaml\n---\na: b\n", "more.yaml": "c: d\n", "x.jinja": "{{ c }}"},
    "external": {"copier.yml": "a: b\n_external_data: {o: other.yml}\n", "x.jinja": "{{ _external_data.o }}"},
}


def make(folder: Path, files: dict[str, str]) -> Version:
    """A template in a repository."""
    folder.mkdir()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    git("init", "--quiet", cwd=folder)
    git("add", "--all", "--force", cwd=folder)
    git("commit", "--quiet", "--message", "template", cwd=folder)
    return open_version(named_address(str(folder)), None)


def outcome(engine: Any, version: Version, asked: Asked) -> object:
    """What an engine makes: files and seeds, or that it refuses."""
    try:
        made = engine.render(version, Path("/nowhere/project"), asked)
    except (NotPlain, MlopsError):
        return "refused"
    return {str(path): entry for path, entry in made.tree.files.items()}, made.seeds, str(made.answers_path)


@pytest.mark.parametrize("given", GIVEN, ids=str)
@pytest.mark.parametrize("name", PLAIN)
def test_plain_templates_render_as_copier_renders_them(name: str, given: dict[str, Any], tmp_path: Path) -> None:
    version = make(tmp_path / name, PLAIN[name])
    known = {key: value for key, value in given.items() if key in open_template(version).questions}
    for asked in (Asked(data=known, defaults=True), Asked(last={**known, "gone": 1}, defaults=True)):
        ours = outcome(plain, version, asked)
        assert ours == outcome(copier_adapter, version, asked)
        assert ours != "refused"


@pytest.mark.parametrize("name", FOREIGN)
def test_what_only_copier_knows_is_left_to_it(name: str, tmp_path: Path) -> None:
    version = make(tmp_path / name, FOREIGN[name])
    assert outcome(plain, version, Asked(defaults=True)) == "refused"
    made = render(version, tmp_path / "made", Asked(defaults=True))
    made.tree.write_new(tmp_path / "made")


@pytest.mark.parametrize("wrong", [{"one": "c"}, {"pair": 3}, {"many": ["w"]}])
def test_a_wrong_answer_is_refused_in_words(wrong: dict[str, Any], tmp_path: Path) -> None:
    version = make(tmp_path / "choices", PLAIN["choices"])
    with pytest.raises(MlopsError, match=next(iter(wrong))):
        render(version, tmp_path / "made", Asked(data=wrong, defaults=True))


def test_a_template_gets_at_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "template").mkdir()
    (tmp_path / "template/stolen").symlink_to(tmp_path / "secret")
    version = make_more(tmp_path / "template", {"copier.yml": "a: ..\n"})
    with pytest.raises(MlopsError, match="outside"):
        render(version, tmp_path / "made", Asked(defaults=True))
    version = make(tmp_path / "other", {"copier.yml": "a: ..\n", "{{ a }}/x": "escaped"})
    with pytest.raises(MlopsError, match="outside"):
        render(version, tmp_path / "made", Asked(defaults=True))


def make_more(folder: Path, files: dict[str, str]) -> Version:
    """A template in a folder that has files already."""
    (folder / "more").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    git("init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "template", cwd=folder)
    return open_version(named_address(str(folder)), None)
