"""Write tests/fleet/{github,gitlab}.json: what the hosts' OpenAPI documents say of the calls of `mlops fleet`.

    python tools/interfaces.py github api.github.com.json   # of the npm package @octokit/openapi
    python tools/interfaces.py gitlab openapi_v2.yaml       # GitLab's doc/api/openapi/, up to release 18

Kept are the calls below, with all their parameters and fields; of their answers what is required, and what is in USED.
The rest is taken out, and an object may have nothing else: the stand-ins of the tests give what is documented alone.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "tests/fleet"
SOURCES = {
    "github": "GitHub's OpenAPI description, https://github.com/github/rest-api-description, by npm @octokit/openapi",
    "gitlab": "GitLab's OpenAPI document, https://gitlab.com/gitlab-org/gitlab, doc/api/openapi/openapi_v2.yaml",
}
LICENCES = {"github": "MIT", "gitlab": "CC BY-SA 4.0, as the rest of GitLab's documentation; this extract too"}
CALLS = {
    "github": (
        "GET /repos/{owner}/{repo}",
        "GET /repos/{owner}/{repo}/pulls",
        "POST /repos/{owner}/{repo}/pulls",
        "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
        "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews",
        "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
        "GET /repos/{owner}/{repo}/commits/{ref}/status",
        "GET /repos/{owner}/{repo}/contents/{path}",
        "GET /repos/{owner}/{repo}/installation",
        "GET /users/{username}/installation",
        "POST /app/installations/{installation_id}/access_tokens",
        "GET /orgs/{org}",
        "GET /orgs/{org}/repos",
        "GET /users/{username}/repos",
    ),
    "gitlab": (
        "GET /api/v4/projects/{id}",
        "GET /api/v4/projects/{id}/merge_requests",
        "POST /api/v4/projects/{id}/merge_requests",
        "GET /api/v4/projects/{id}/merge_requests/{merge_request_iid}",
        "PUT /api/v4/projects/{id}/merge_requests/{merge_request_iid}",
        "GET /api/v4/projects/{id}/merge_requests/{merge_request_iid}/approvals",
        "GET /api/v4/projects/{id}/repository/commits/{sha}",
        "GET /api/v4/projects/{id}/repository/files/{file_path}",
        "GET /api/v4/groups/{id}/projects",
    ),
}
USED = {
    *("approved_by", "archived", "default_branch", "description", "draft", "head_pipeline", "id", "iid", "merged_at"),
    *("message", "path_with_namespace", "sha", "source_branch", "state", "status", "target_branch", "title", "web_url"),
}
# What GitLab's document has wrong, by its own pages (https://docs.gitlab.com/api/merge_requests): written here by hand.
CORRECTED = {
    "GET .../merge_requests answers a list; the document has one entry",
    "draft is true or false; the document has a string",
    "approved_by is a list; the document has one entry",
}
KEYS = {"$ref", "type", "enum", "items", "required", "allOf", "anyOf", "oneOf", "pattern"}


def schema(found: dict[str, Any], whole: bool = False) -> dict[str, Any]:
    """A schema of OpenAPI as JSON Schema, without prose; `whole` keeps what is neither required nor used."""
    if "$ref" in found:
        return {"$ref": "#/schemas/" + found["$ref"].rpartition("/")[2]}
    kept = {key: value for key, value in found.items() if key in KEYS and not isinstance(value, bool)}
    for key in ("allOf", "anyOf", "oneOf"):
        if key in kept:
            kept[key] = [schema(one, whole) for one in kept[key]]
    if isinstance(kept.get("items"), dict):
        kept["items"] = schema(kept["items"], whole)
    if "properties" in found:
        names = [name for name in found["properties"] if whole or name in USED | set(found.get("required", ()))]
        kept["properties"] = {name: schema(found["properties"][name], whole) for name in names}
        kept["additionalProperties"] = False
    if found.get("nullable"):
        kept = {"anyOf": [kept, {"type": "null"}]}
    return kept


def resolved(document: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What a reference of the document leads to."""
    while "$ref" in found:
        at: Any = document
        for key in found["$ref"].removeprefix("#/").split("/"):
            at = at[key]
        found = at
    return found


def call(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A call: its query, its content, and its answers by their codes. OpenAPI 2 and 3."""
    method, path = name.split()
    operation = document["paths"][path][method.lower()]
    parameters = [resolved(document, one) for one in operation.get("parameters", ())]
    contents = [one["schema"] for one in parameters if one["in"] == "body"]
    if "requestBody" in operation:
        contents = [operation["requestBody"]["content"]["application/json"]["schema"]]
    answers = {}
    for code, answer in operation["responses"].items():
        answer = resolved(document, answer)
        answer = answer.get("content", {}).get("application/json", answer)
        answers[code] = schema(answer["schema"]) if "schema" in answer else {}
    return {
        "query": {one["name"]: schema(one.get("schema", one)) for one in parameters if one["in"] == "query"},
        "needed": [one["name"] for one in parameters if one["in"] == "query" and one.get("required") is True],
        "content": schema(resolved(document, contents[0]), whole=True) if contents else None,
        "answers": answers,
    }


def corrected(calls: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Write what is in CORRECTED."""
    answers = calls["GET /projects/{id}/merge_requests"]["answers"]
    answers["200"] = {"type": "array", "items": answers["200"]}
    for one in schemas.values():
        fields = one.get("properties", {})
        if "draft" in fields:
            fields["draft"] = {"type": "boolean"}
        if "approved_by" in fields:
            fields["approved_by"] = {"type": "array", "items": fields["approved_by"]}


def extract(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    """The calls of a host, and the schemas that they lead to."""
    known = document.get("definitions") or document["components"]["schemas"]
    calls = {name.replace("/api/v4", ""): call(document, name) for name in CALLS[kind]}
    schemas: dict[str, Any] = {}
    while missing := set(references([calls, schemas])) - set(schemas):
        schemas |= {name: schema(known[name]) for name in missing}
    if kind == "gitlab":
        corrected(calls, schemas)
    return {"calls": calls, "schemas": dict(sorted(schemas.items()))}


def references(found: Any) -> list[str]:
    """The names of the schemas that are referred to."""
    if isinstance(found, list):
        return [name for one in found for name in references(one)]
    if not isinstance(found, dict):
        return []
    here = [found["$ref"].rpartition("/")[2]] if isinstance(found.get("$ref"), str) else []
    return here + [name for one in found.values() for name in references(one)]


def main(kind: str, path: str) -> None:
    """Write the file of a host: a line for each call and each schema."""
    text = Path(path).read_text(encoding="utf-8")
    document = json.loads(text) if path.endswith(".json") else yaml.safe_load(text)
    parts = extract(kind, document)
    about = {"source": SOURCES[kind], "version": document["info"]["version"], "licence": LICENCES[kind]}
    if kind == "gitlab":
        about["corrected"] = "; ".join(sorted(CORRECTED))
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in about.items()]
    for part, entries in parts.items():
        rows = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in entries.items())
        lines.append(f'"{part}": {{\n{rows}\n}}')
    (FOLDER / f"{kind}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
