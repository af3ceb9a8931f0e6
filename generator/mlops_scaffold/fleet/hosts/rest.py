"""Calls of a REST interface: patient with a host that is busy, clear about one that refuses."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import wraps
from itertools import count
from typing import Any, TypeVar, cast

import httpx

from mlops_scaffold.fleet.inventory import Host, Limits
from mlops_scaffold.fleet.line import DENIED, ERROR, UNREACHABLE
from mlops_scaffold.fleet.refusals import Refused
from mlops_scaffold.ground.errors import MlopsError

TRIES = 4
PAGE = 100
LONGEST = 900  # seconds that a host may ask to wait; longer is for another run
TIMEOUT = httpx.Timeout(30, connect=10)
BUSY = (429, 500, 502, 503, 504)
MOVED = (301, 302, 307, 308)
Method = TypeVar("Method", bound=Callable[..., Any])


def secret(host: Host, key: str) -> str:
    """A credential of a host. Raises MlopsError where the environment does not have it."""
    variable = host.secrets[key]
    value = os.environ.get(variable, "").strip()
    if not value:
        raise MlopsError(f"{variable} is not set: the {key} for {host.name}.", "Set it in the environment.")
    if key == "token" and not (value.isascii() and value.isprintable()):
        raise MlopsError(f"{variable} is no token: it has characters that no token has.", "Set it again.")
    return value


class Missing(Refused):
    """A host has no such thing, or hides it."""


def understood(method: Method) -> Method:
    """A method that raises Refused where an answer has another shape than the interface's."""

    @wraps(method)
    def call(self: "Rest", *given: Any) -> Any:
        try:
            return method(self, *given)
        except (LookupError, TypeError, AttributeError, ValueError):
            raise self.strange() from None

    return cast(Method, call)


class Rest:
    """A host's interface. `headers` gives the credentials for a call."""

    sleep = staticmethod(time.sleep)

    def __init__(self, host: Host, api: str, limits: Limits) -> None:
        self.host, self.limits = host, limits
        self.api = httpx.URL((host.api or api) + "/")
        self.client = httpx.Client(timeout=TIMEOUT, follow_redirects=False)
        self._written: deque[float] = deque(maxlen=limits.per_minute)

    def headers(self, path: str) -> Mapping[str, str]:
        """The headers of a call."""
        raise NotImplementedError

    def missing(self, answer: httpx.Response) -> str:
        """Which right a refused call wants, as far as the host says."""
        raise NotImplementedError

    def pause(self) -> None:
        """Wait until something may be written again."""
        if self.limits.per_minute and len(self._written) == self.limits.per_minute:
            self.sleep(max(0.0, self._written[0] + 60 - time.monotonic()))
        self._written.append(time.monotonic())

    def get(self, path: str, **query: str | int) -> Any:
        """What an address of the interface has."""
        return self.call("GET", path, params=query)

    def pages(self, path: str, **query: str | int) -> Iterator[Any]:
        """All entries of a list, page by page."""
        for page in count(1):
            found = self.get(path, **query, per_page=PAGE, page=page)
            yield from found
            if len(found) < PAGE:
                return

    def exists(self, path: str, **query: str | int) -> bool:
        """Whether an address of the interface has anything."""
        try:
            self.get(path, **query)
        except Missing:
            return False
        return True

    def write(self, method: str, path: str, **content: Any) -> Any:
        """Change something."""
        return self.call(method, path, json=content)

    def call(self, method: str, path: str, **more: Any) -> Any:
        """Make a call, again where the host is busy. Raises Refused."""
        url = self.api.join(path)
        why = ""
        for tried in range(TRIES):
            try:
                answer = self.client.request(method, url, headers=self.headers(path), **more)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                why = type(error).__name__
                if method == "POST" and not isinstance(error, httpx.ConnectError):
                    break  # it may have been done: the next run looks
                self.sleep(2**tried)
                continue
            if answer.status_code in MOVED and "location" in answer.headers:
                url = self._same_host(url.join(answer.headers["location"]))
                why = "it sends calls on and on"
                continue
            wait = waiting(answer, tried)
            if wait is None:
                return self._content(answer)
            why = f"it answers {answer.status_code}"
            if wait > LONGEST:
                why += f" and asks for {wait:.0f} seconds"
                break
            self.sleep(wait)
        raise Refused(UNREACHABLE, f"{self.host.name} is away: {why}.", "Run the command again later.", retry=True)

    def strange(self) -> Refused:
        """What there is to say of an answer that no such interface gives."""
        step = "Is it the address of the interface? Write it to fleet.yml: api"
        return Refused(UNREACHABLE, f"{self.host.name} does not answer as its interface does.", step, retry=True)

    def _same_host(self, url: httpx.URL) -> httpx.URL:
        """An address that a call was sent on to. Raises Refused where the token would go to another host."""
        if (url.scheme, url.host, url.port) != (self.api.scheme, self.api.host, self.api.port):
            raise Refused(DENIED, f"{self.host.name} sends calls on to {url.host}.", "Correct the host in fleet.yml.")
        return url

    def _content(self, answer: httpx.Response) -> Any:
        name, code = self.host.name, answer.status_code
        named = " and ".join(self.host.secrets.values())
        if code == 401:
            raise Refused(
                DENIED, f"{name} does not accept the credentials in {named}.", "Are they expired? Renew them."
            )
        if code == 403:
            right = self.missing(answer)
            if not right:
                raise Refused(DENIED, f"{name} denies it.", f"Check the rights of the credentials in {named}.")
            raise Refused(DENIED, f"{name} denies it: the right {right} is missing.", "Grant it.")
        if code == 404:
            step = "Check the name in fleet.yml, and that the token may see it."
            raise Missing(DENIED, f"{name} has no such repository, or hides it.", step)
        if not answer.headers.get("content-type", "").startswith("application/json"):
            raise self.strange()
        try:
            content = answer.json()
        except (ValueError, LookupError, RecursionError):
            raise Refused(UNREACHABLE, f"{name} answers with broken JSON.", retry=True) from None
        if code >= 400:
            said = content.get("message") if isinstance(content, dict) else content
            raise Refused(ERROR, f"{name} refuses it: {str(said or code)[:200]}.")
        return content


def waiting(answer: httpx.Response, tried: int) -> float | None:
    """Seconds until a call is worth another try; None where the answer counts."""
    headers = answer.headers
    limited = answer.status_code in (403, 429) and (
        "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    )
    if not limited and answer.status_code not in BUSY:
        return None
    reset = headers.get("x-ratelimit-reset", "")
    with suppress(ValueError):  # a host may say anything
        if asked := headers.get("retry-after", ""):
            return float(asked) if asked.isdecimal() else seconds_to(parsedate_to_datetime(asked).timestamp())
        if limited and reset:
            return max(1.0, seconds_to(int(reset)))
    return 2.0**tried


def seconds_to(moment: float) -> float:
    """How long it is until then."""
    return max(0.0, moment - time.time())
