"""A stand-in of Terraform: it writes down how it is called, and remembers what it has made."""

import json
import sys
from pathlib import Path

OUTPUTS = {
    "storage_url": "s3://churn-data",
    "artifacts_url": "s3://churn-data/mlflow",
    "storage_account": "",
    "region": "eu-central-1",
    "account": "123456789012",
    "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/churn",
    "service": "churn",
    "deploy_identity": "arn:aws:iam::123456789012:role/churn-deploy",
    "destroy_identity": "arn:aws:iam::123456789012:role/churn-destroy",
    "identity_provider": "",
}
# What a plan has in it, and the outputs after it was applied; kept in a folder beside.
TERRAFORM = (
    f"#!{sys.executable} -IS\n"
    + """\
import json, pathlib, sys
here = pathlib.Path(__file__).parent
words = [word for word in sys.argv[1:] if not word.startswith("-chdir")]
with (here / "log").open("a") as log:
    log.write(" ".join(words) + "\\n")
token = pathlib.Path(".cloud/token")
if token.exists():
    with (here / "tokens").open("a") as log:
        log.write(f"{words[0]} {token.read_text()}\\n")
state = here / "outputs.json"
if words[0] == "plan":
    made = "-var=image=" in words
    kinds = ["aws_s3_bucket", "aws_ecr_repository"] if made else ["aws_ecs_service", "aws_iam_role"]
    does = ["delete"] if "-destroy" in words else ["create"]
    rows = [dict(address=f"module.x.{kind}.it", type=kind, change=dict(actions=does)) for kind in kinds]
    rows.append(dict(address="module.x.aws_vpc.it", type="aws_vpc", change=dict(actions=["no-op"])))
    out = next(word for word in words if word.startswith("-out=")).removeprefix("-out=")
    kept = any(word.startswith("-target") for word in words)
    pathlib.Path(out).write_text(json.dumps(dict(resource_changes=rows, destroy="-destroy" in words, kept=kept)))
elif words == ["show", "-json"]:
    there = json.loads(state.read_text()) if state.exists() else {}
    made = ["identity", "registry"] if there and not (here / "gone").exists() else ["identity"] if there else []
    root = dict(child_modules=[dict(address=f"module.{name}", resources=[]) for name in made])
    print(json.dumps(dict(values=dict(root_module=root)) if there else {}))
elif words[0] == "show":
    print(pathlib.Path(words[-1]).read_text())
elif words[0] == "apply":
    plan = json.loads(pathlib.Path(words[-1]).read_text())
    (here / "gone").unlink(missing_ok=True)
    if plan["destroy"] and plan["kept"]:
        (here / "gone").touch()
    elif plan["destroy"]:
        state.unlink()
    else:
        state.write_text((here / "wanted.json").read_text())
elif words[0] == "output":
    print(state.read_text() if state.exists() else "{}")
"""
)


def want(programs: Path, more: dict[str, str]) -> None:
    """What the stand-in's outputs are to be after it applied something."""
    told = {name: {"value": value} for name, value in {**OUTPUTS, **more}.items()}
    (programs / "wanted.json").write_text(json.dumps(told), encoding="utf-8")
