"""A store that refuses every request, as if its bucket were somebody else's: S3, Cloud Storage or Blob Storage."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.web import Quiet, listening

# Azurite's documented account, which everybody has: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
ACCOUNT, KEY = (
    "devstoreaccount1",
    ("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="),
)
XML = '<?xml version="1.0" encoding="utf-8"?><Error><Code>{}</Code><Message>{}</Message></Error>'
DENIED = "you@example.com does not have storage.objects.list access to the Google Cloud Storage bucket."
# The type, the body, and what else the answer says.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
# https://cloud.google.com/storage/docs/json_api/v1/status-codes
# https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2
REFUSALS = {
    "aws": ("application/xml", XML.format("AccessDenied", "Access Denied"), {}),
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    "sts": ("text/xml", f"<ErrorResponse>{XML.split('?>')[1]}</ErrorResponse>".format("AccessDenied", "Not you"), {}),
    "gcp": (
        "application/json",
        json.dumps({"error": {"code": 403, "message": DENIED, "errors": [{"reason": "forbidden", "message": DENIED}]}}),
        {},
    ),
    "azure": (
        "application/xml",
        XML.format("AuthorizationPermissionMismatch", "This request is not authorized to perform this operation."),
        {"x-ms-error-code": "AuthorizationPermissionMismatch", "x-ms-version": "2025-05-05"},
    ),
}


@contextmanager
def refusing(cloud: str, code: str = "AccessDenied", status: int = 403) -> Iterator[dict[str, str]]:
    """The environment in which the cloud's library finds such a store; it says why by its status, AWS's by a code."""
    kind, body, more = REFUSALS[cloud]
    body = body.replace("AccessDenied", code)

    class Answers(Quiet):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {"content-type": kind, "content-length": str(len(body)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body.encode())

        do_HEAD = do_PUT = do_POST = do_GET

    with listening(Answers) as address:
        connection = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        yield {
            "aws": {"AWS_ENDPOINT_URL": address},
            "sts": {"AWS_ENDPOINT_URL": address},
            "gcp": {"STORAGE_EMULATOR_HOST": address},
            "azure": {"AZURE_STORAGE_CONNECTION_STRING": f"{connection}BlobEndpoint={address}/{ACCOUNT};"},
        }[cloud]
