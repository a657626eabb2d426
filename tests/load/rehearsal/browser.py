"""One browser of the crowd: what it sends, how it tries again, and what it remembers for the count."""

import json
import random
import re
import time
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import quote_plus, urljoin, urlsplit
from uuid import uuid4

import gevent
from locust.contrib.fasthttp import FastHttpSession

FORM = re.compile(r'<form method="post" action="([^"]*oauth2[^"]*)"')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
TAG = re.compile(r'<input type="hidden" name="etag" value="([^"]+)"')
GIVE_UP_SECONDS = 120.0
# No answer, too many, busy.
AGAIN = frozenset({0, 429, 503})


class Refused(Exception):
    """An answer that ends this step for good."""


class Busy(Refused):
    """Asked to come again in so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"busy for {GIVE_UP_SECONDS:.0f} s")
        self.seconds = seconds


class Browser:
    """A FastHttpSession that waits as a page of ours would: after 503 and 429 as long as the answer says, with some
    chance, and again with the same key, so that trying twice is doing once."""

    def __init__(
        self, http: FastHttpSession, note: Callable[[dict[str, Any]], None], chance: random.Random
    ) -> None:
        self._http = http
        self._note = note
        self._chance = chance
        self.csrf_token = ""
        # The signed first arrival at 提交申请, which a page's cookie would bring.
        self.ticket = ""

    def sign_in(self, username: str, password: str) -> None:
        """From the portal's door to its own and back; from the beginning again when it does not work out in time,
        for a code and a captcha are good for one try."""
        until = time.time() + GIVE_UP_SECONDS
        while True:
            try:
                self._sign_in(username, password)
                return
            except Busy as busy:
                if time.time() > until:
                    raise
                gevent.sleep(busy.seconds * self._chance.uniform(0.8, 1.2))

    def _sign_in(self, username: str, password: str) -> None:
        form = self.page("/login")
        action = FORM.search(form.text or "")
        if action is not None:
            self._fill_in(form, action[1], username, password)
        elif urlsplit(str(form.url)).path not in {"/", "/projects"}:
            raise Refused(f"no sign-in form: {form.status_code} at {form.url}")
        # Else it had worked out, and only the page behind it was busy.
        self.csrf_token = self.api("GET", "/me").json()["csrf_token"]

    def _fill_in(self, form: Any, action: str, username: str, password: str) -> None:
        fields = {name: unescape(value) for name, value in HIDDEN.findall(form.text or "")}
        fields |= {"username": username, "password": password, "captcha": "8888"}
        body = "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in fields.items())
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
        answer = self._once("POST", urljoin(str(form.url), unescape(action)), body, headers)
        if answer.status_code in AGAIN:
            raise Busy(float(_header(answer, "retry-after") or 1))
        if answer.status_code != 200:
            raise Refused(f"sign-in: {answer.status_code} at {answer.url}")

    def page(self, path: str) -> Any:
        """A page as a person opens it."""
        return self._send("GET", path, lambda: None, {"Accept": "text/html"})

    def tag(self, path: str) -> str:
        """What the form on a page was made from, as the page itself says it."""
        form = self.page(path)
        if (found := TAG.search(form.text or "")) is None:
            raise Refused(f"no form: {form.status_code} at {form.url}")
        return unescape(found[1])

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        etag: str = "",
        key: bool = False,
        upload: Callable[[], tuple[str, bytes]] | None = None,
        final: tuple[int, ...] = (),
    ) -> Any:
        """A call of the public contract. `final`: further statuses that are an answer and no fault. `upload` makes the
        file's name and contents for each try: a browser reads it from disk, and a thousand that wait hold nothing."""
        headers = {"X-CSRF-Token": self.csrf_token, "Accept": "application/json"}
        headers |= {"If-Match": f'"{etag}"'} if etag else {}
        headers |= {"Idempotency-Key": uuid4().hex} if key else {}
        headers |= {"Submission-Ticket": self.ticket} if self.ticket and path.endswith("/submit") else {}
        made: Callable[[], Any] = lambda: None  # noqa: E731
        if upload is not None:
            boundary = uuid4().hex
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
            made = lambda: _multipart(boundary, *upload())  # noqa: E731
        elif body is not None:
            text, headers["Content-Type"] = json.dumps(body), "application/json"
            made = lambda: text  # noqa: E731
        return self._send(method, f"/api/v1{path}", made, headers, final)

    def _once(self, method: str, url: str, content: Any, headers: dict[str, str]) -> Any:
        answer = self._http.request(method, url, data=content, headers=headers, name="-")
        retry_after = _header(answer, "retry-after")
        if ticket := _header(answer, "submission-ticket"):
            self.ticket = ticket
            if "Submission-Ticket" in headers:
                headers["Submission-Ticket"] = ticket
        self._note({"status": answer.status_code, "method": method, "retry_after": retry_after, "at": time.time()})
        return answer

    def _send(
        self,
        method: str,
        url: str,
        content: Callable[[], Any],
        headers: dict[str, str],
        final: tuple[int, ...] = (),
    ) -> Any:
        until = time.time() + GIVE_UP_SECONDS
        pause = 0.5
        while True:
            answer = self._once(method, url, content(), headers)
            status = answer.status_code
            if 200 <= status < 400 or status in final:
                return answer
            retried = status in AGAIN or (status == 409 and _header(answer, "retry-after"))
            if not retried or time.time() > until:
                raise Refused(f"{method} {url}: {status} {_reason(answer)}")
            asked = float(_header(answer, "retry-after") or pause)
            gevent.sleep(asked * self._chance.uniform(0.8, 1.2))
            pause = min(pause * 2, 8.0)


def _reason(answer: Any) -> str:
    """What a problem says; of a page, its title."""
    text = answer.text or ""
    title = re.search("<title>(.*?)</title>", text)
    return title[1] if title else text[:200]


def _header(answer: Any, name: str) -> str:
    return str((answer.headers or {}).get(name) or "")


def _multipart(boundary: str, name: str, content: bytes) -> bytes:
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
