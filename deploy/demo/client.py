"""Act as a person with a script: sign in like a browser, then speak the public contract."""

import re
import ssl
import time
from collections.abc import Callable
from functools import cache
from html import unescape
from typing import Any
from uuid import uuid4

import httpx

Note = Callable[[str], None]


@cache
def authorities() -> ssl.SSLContext:
    """Return the certificate authorities that clients trust: read once, since reading them takes longer than most questions."""
    return httpx.create_ssl_context()


class Unexpected(Exception):
    """The system answered something that the story does not allow."""


class Person:
    """One signed-in account."""

    def __init__(self, url: str, username: str, note: Note) -> None:
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False, verify=authorities())
        self._note = note
        self.username = username
        self.csrf_token = ""

    def sign_in(self, password: str, captcha: str) -> dict[str, Any]:
        """Through the identity platform's own form; who `/api/v1/me` says it is."""
        form = self._http.get("/login", follow_redirects=True)
        action = re.search(r'<form method="post" action="([^"]*oauth2[^"]*)"', form.text)
        if action is None:
            raise Unexpected(f"no sign-in form at {form.url}: {form.status_code}")
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.text)
        fields = {name: unescape(value) for name, value in hidden}
        fields |= {"username": self.username, "password": password, "captcha": captcha}
        done = self._http.post(str(form.url.join(action[1])), data=fields, follow_redirects=True)
        if done.status_code != 200:
            raise Unexpected(f"sign-in ended with {done.status_code} at {done.url}")
        me: dict[str, Any] = self.call("GET", "/me").json()
        self.csrf_token = me["csrf_token"]
        return me

    @property
    def cookies(self) -> httpx.Cookies:
        """The session, for further clients of the same person."""
        return self._http.cookies

    def call(
        self,
        method: str,
        path: str,
        *,
        expect: int | tuple[int, ...] = (200, 201, 204),
        etag: str | None = None,
        key: bool = False,
        **options: Any,
    ) -> httpx.Response:
        """Return one call below `/api/v1`; `Unexpected` unless it answers as the story says."""
        headers = {"X-CSRF-Token": self.csrf_token}
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        if key:
            headers["Idempotency-Key"] = uuid4().hex
        answer = self.send(method, path, headers=headers, **options)
        self._note(f"{self.username}  {method} /api/v1{path}  {answer.status_code}")
        if answer.status_code not in ((expect,) if isinstance(expect, int) else expect):
            raise Unexpected(f"{method} {path}: {answer.status_code} {answer.text[:600]}")
        return answer

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return one request below `/api/v1`, whatever it answers."""
        return self._http.request(method, f"/api/v1{path}", **options)

    def wait_for(self, path: str, seconds: float) -> httpx.Response:
        """Ask again while the answer is 202, as long as it says to wait."""
        until = time.monotonic() + seconds
        while True:
            answer = self.call("GET", path, expect=(200, 202))
            if answer.status_code == 200:
                return answer
            if time.monotonic() > until:
                raise Unexpected(f"{path} is not ready after {seconds:.0f} s: {answer.text[:300]}")
            time.sleep(min(float(answer.headers.get("Retry-After", 1)), 1))

    def page(self, path: str) -> httpx.Response:
        """Return a page as the browser gets it, wherever it leads."""
        return self._http.get(path, follow_redirects=True)

    def another(self) -> httpx.Client:
        """Return a further client of the same person, in the same session."""
        return httpx.Client(
            base_url=self._http.base_url, cookies=self.cookies, timeout=30, trust_env=False, verify=authorities()
        )

    def close(self) -> None:
        self._http.close()
