"""What answers for the clouds on the loopback: stores with one empty bucket, AWS's STS and ECR, a CI's tokens.

Each request is checked as its cloud does: who asks, and for what. Anything else is an error.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from tests.cloud.refusing import ACCOUNT, KEY
from tests.web import Quiet, listening

BUCKET, TOKEN, SECRET = "churn-data", "a.b.c", "of-the-job"
ROLE = "arn:aws:iam::123456789012:role/churn-deploy"
PERSON = "arn:aws:iam::123456789012:user/you"
KEYS = {"AWS_ACCESS_KEY_ID": "YOURS", "AWS_SECRET_ACCESS_KEY": "secret"}
STS = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'


class Cloud(Quiet):
    """All of them at one address: their paths and actions differ."""

    given: list[str]  # the tokens that jobs of GitHub were given

    def answer(self, body: str, kind: str = "text/xml", status: int = 200) -> None:
        """Send it."""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def key(self) -> str:
        """The key of AWS that signed the request."""
        found = re.match(r"AWS4-HMAC-SHA256 Credential=(\w+)/", self.headers["authorization"] or "")
        assert found, self.headers["authorization"]
        return found[1]

    def do_GET(self) -> None:
        """An empty bucket, as each cloud lists it; or a job's token."""
        asked, query = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
        if asked.path == f"/{BUCKET}" and query["list-type"] == ["2"]:
            assert self.key() == KEYS["AWS_ACCESS_KEY_ID"]
            self.answer(f"<ListBucketResult><Name>{BUCKET}</Name><KeyCount>0</KeyCount></ListBucketResult>")
        elif asked.path == f"/storage/v1/b/{BUCKET}/o":
            self.answer(json.dumps({"kind": "storage#objects"}), "application/json")
        elif asked.path == f"/{ACCOUNT}/{BUCKET}" and query["comp"] == ["list"]:
            assert self.headers["authorization"].startswith(f"SharedKey {ACCOUNT}:")
            self.answer("<EnumerationResults><Blobs /><NextMarker /></EnumerationResults>", "application/xml")
        elif asked.path == "/token":
            assert self.headers["authorization"] == f"bearer {SECRET}"
            self.given.append(f"{query['audience'][0]} {len(self.given)}")
            self.answer(json.dumps({"value": self.given[-1]}), "application/json")
        else:
            self.answer("<Error><Code>NoSuchBucket</Code><Message>No</Message></Error>", status=404)

    def do_POST(self) -> None:
        """Who somebody is, a token exchanged, a login of the registry."""
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        if self.headers["x-amz-target"] == "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken":
            login = base64.b64encode(f"AWS:of {self.key()}".encode()).decode()
            told = {"authorizationData": [{"authorizationToken": login}]}
            self.answer(json.dumps(told), "application/x-amz-json-1.1")
            return
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        if asked["Action"] == "AssumeRoleWithWebIdentity":
            assert asked["WebIdentityToken"] == TOKEN
            name = asked["RoleArn"].rpartition("/")[2].replace("-", "_")  # a key has no dash
            keys = {
                "AccessKeyId": name,
                "SecretAccessKey": "s",
                "SessionToken": "t",
                "Expiration": "2100-01-01T00:00:00Z",
            }
            result = f"<Credentials>{''.join(f'<{key}>{keys[key]}</{key}>' for key in keys)}</Credentials>"
        else:
            assert asked["Action"] == "GetCallerIdentity"
            role = f"arn:aws:sts::123456789012:assumed-role/{self.key().replace('_', '-')}/ci"
            arn = PERSON if self.key() == KEYS["AWS_ACCESS_KEY_ID"] else role
            result = f"<Arn>{arn}</Arn>"
        action = asked["Action"]
        self.answer(f"<{action}Response {STS}><{action}Result>{result}</{action}Result></{action}Response>")


@contextmanager
def answering() -> Iterator[dict[str, str]]:
    """The environment variables by which the libraries find it; they log nobody in."""
    Cloud.given = []
    with listening(Cloud) as address:
        account = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        yield {
            "AWS_ENDPOINT_URL": address,
            "STORAGE_EMULATOR_HOST": address,
            "AZURE_STORAGE_CONNECTION_STRING": f"{account}BlobEndpoint={address}/{ACCOUNT};",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{address}/token?api-version=2.0",
        }
