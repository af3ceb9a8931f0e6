"""Whom each CI's tokens name, and what a cloud says to them: the rendered conditions, evaluated as the cloud does."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cel

from tests.cloud.infra import Body

ORG, PROJECT, USER = (f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "123")
# What a person fills in, for each CI.
SETTINGS: dict[str, dict[str, Any]] = {
    "github": {"ci_repository": "example@12/churn@345"},
    "gitlab": {"ci_repository": "example/team/churn"},
    "circleci": {"ci_organization": ORG, "ci_project": PROJECT, "ci_repository": "github.com/example/churn"},
    "jenkins": {
        "ci_issuer": "https://jenkins.example.com/oidc",
        "ci_job": "https://jenkins.example.com/job/churn/job/main/",
    },
}


@dataclass(frozen=True)
class Token:
    """The claims of a job's token that a cloud looks at."""

    iss: str
    aud: str
    sub: str


def of_main(ci: str, audience: str) -> Token:
    """The token of a job of main, as the CI's documentation says it is."""
    circleci = f"org/{ORG}/project/{PROJECT}/user/{USER}/vcs-origin/github.com/example/churn/vcs-ref/refs/heads/main"
    return {
        "github": Token(
            "https://token.actions.githubusercontent.com", audience, "repo:example@12/churn@345:ref:refs/heads/main"
        ),
        "gitlab": Token("https://gitlab.com", audience, "project_path:example/team/churn:ref_type:branch:ref:main"),
        "circleci": Token(f"https://oidc.circleci.com/org/{ORG}", ORG, circleci),
        "jenkins": Token(
            "https://jenkins.example.com/oidc", audience, "https://jenkins.example.com/job/churn/job/main/"
        ),
    }[ci]


def of_destroy(ci: str, audience: str) -> Token:
    """The token of the job that takes things down: GitHub's names the environment instead of the branch."""
    token = of_main(ci, audience)
    return replace(token, sub=token.sub.replace("ref:refs/heads/main", "environment:destroy"))


def strangers(ci: str, token: Token) -> Iterator[Token]:
    """Tokens that look nearly like it and must not be taken."""
    yield replace(token, aud="https://example.com")
    yield replace(token, iss="https://issuer.example.com")
    environment = [("environment:destroy", "environment:staging"), ("environment:destroy", "ref:refs/heads/main"),
                   ("churn@345", "churn-fork@345"), ("example@12", "somebody@99")]  # fmt: skip
    others = {
        "github": [("refs/heads/main", "refs/heads/feature"), ("ref:refs/heads/main", "pull_request"),
                   ("churn@345", "churn-fork@345"), ("example@12", "somebody@99"), ("churn@345", "churn@346")],
        "gitlab": [("ref:main", "ref:feature"), ("ref_type:branch", "ref_type:tag"), ("team/churn", "other/churn")],
        "circleci": [("heads/main", "heads/feature"), ("example/churn", "somebody/churn"), (PROJECT, USER),
                     ("vcs-origin/github.com/example/churn/vcs-ref/refs/heads/main", ""),
                     # Of a branch that is named like the rest of a token of main, of whatever repository.
                     ("heads/main", "heads/x/vcs-origin/github.com/example/churn/vcs-ref/refs/heads/main"),
                     (USER, f"{USER}/vcs-origin/github.com/somebody/churn/vcs-ref/refs/heads/x"),
                     (f"{USER}/", "/"), ("github.com", "githubxcom"), ("heads/main", "heads/main\n")],
        "jenkins": [("job/main/", "job/feature/"), ("job/churn/", "job/other/"), ("job/main/", "job/PR-1/")],
    }[ci]  # fmt: skip
    for old, new in environment if ":environment:" in token.sub else others:
        assert old in token.sub
        yield replace(token, sub=token.sub.replace(old, new))


def ask_terraform(
    terraform: str,
    infra: Path,
    folder: Path,
    settings: Mapping[str, Any],
    wanted: str = "local.trust",
    destroy_subject: str = '""',
    name: str = "churn",
) -> Any:
    """An expression on the locals of ci.tf and trust.tf, with these settings; worked out by Terraform itself."""
    folder.mkdir(exist_ok=True)
    (folder / "ci.tf").write_text((infra / "ci.tf").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "terraform.tfvars.json").write_text(json.dumps(settings), encoding="utf-8")
    # The locals of trust.tf, as if they were the root's: resources would need a provider.
    text = (infra / "modules/identity/trust.tf").read_text(encoding="utf-8")
    inner = re.search(r"^locals \{.*?^\}$", text, re.MULTILINE | re.DOTALL)
    moved = inner[0].replace("var.trust.", "local.trust.").replace("var.", "local.") if inner else ""
    given = f'name = "{name}"\n  project_number = "123456"\n  destroy_subject = {destroy_subject}'
    (folder / "trust.tf").write_text(f"{moved}\nlocals {{\n  {given}\n}}\n", encoding="utf-8")
    command = [terraform, f"-chdir={folder}", "console"]
    done = subprocess.run(command, input=f"jsonencode({wanted})\n", capture_output=True, text=True)
    said = re.sub(r"\x1b\[[0-9;]*m|[│╷╵]", "", done.stderr)
    assert done.returncode == 0, " ".join(said.split())
    return json.loads(json.loads(done.stdout.strip().splitlines()[-1]))


# --- Google Cloud: conditions ----------------------------------------------------------------------------------------


def gcp_admits(issuer: str, audience: str, condition: str, token: Token) -> bool:
    """Whether a workload identity provider lets a token in; its condition is CEL."""
    admitted = cel.evaluate(condition, {"assertion": {"aud": token.aud, "sub": token.sub}})
    return (token.iss, token.aud, admitted) == (issuer, audience, True)


# --- Azure: exact matches --------------------------------------------------------------------------------------------


def azure_admits(trust: Mapping[str, Any], token: Token) -> bool:
    """Whether one of an identity's federated credentials lets a token in: all three, letter by letter."""
    return (token.iss, token.aud) == (trust["issuer"], trust["audience"]) and token.sub in trust["subjects"].values()


# --- AWS: policy documents -------------------------------------------------------------------------------------------


def policy(document: Body, values: Mapping[str, str]) -> dict[str, Any]:
    """The JSON of an aws_iam_policy_document, its references filled in."""
    statements = list(document.get("statement", []))
    for row in document.get("dynamic", []):
        statements += row["statement"]["content"]
    return {"Version": "2012-10-17", "Statement": [_statement(row, values) for row in statements]}


def _statement(row: Body, values: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": row.get("effect", "Allow"), "Action": _filled(row["actions"], values)}
    if "sid" in row:
        made["Sid"] = row["sid"]
    if "resources" in row:
        made["Resource"] = _filled(row["resources"], values)
    for who in row.get("principals", []):
        identifiers = _filled(who["identifiers"], values)
        made["Principal"] = "*" if who["type"] == "*" else {who["type"]: identifiers}
    for condition in row.get("condition", []):
        (variable,) = _filled([condition["variable"]], values)
        made.setdefault("Condition", {}).setdefault(condition["test"], {})[variable] = _filled(
            condition["values"], values
        )
    return made


def _filled(texts: list[str], values: Mapping[str, str]) -> list[str]:
    return [re.sub(r"\$\{([^}]+)\}", lambda found: values[found[1]], text) for text in texts]


def aws_admits(trust: dict[str, Any], issuer: str, token: Token) -> bool:
    """Whether a role's trust policy lets a token in, by the rules of IAM's conditions."""
    (statement,) = trust["Statement"]
    host = issuer.removeprefix("https://")
    claims = {f"{host}:aud": token.aud, f"{host}:sub": token.sub}
    tests = {"StringEquals": lambda wanted, given: wanted == given, "StringLike": like}
    return token.iss == issuer and all(
        any(tests[test](value, claims[variable]) for value in wanted)
        for test, rows in statement["Condition"].items()
        for variable, wanted in rows.items()
    )


def like(pattern: str, text: str) -> bool:
    """IAM's StringLike: * stands for any characters, ? for one."""
    regex = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(regex, text, re.DOTALL) is not None
