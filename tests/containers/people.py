"""People who sign in with an identity provider that nobody here wrote, in production: with consent and a second factor."""

import re
import ssl
import time
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp

from deploy.demo.client import Note, Person, Unexpected

# What its certificate and discovery say, and where this machine finds it.
PROVIDER, PUBLISHED = "provider:9443", "127.0.0.1:9443"


class ForeignPerson(Person):
    """One account at the provider; `authority` is the certificate that signed portal and provider."""

    def __init__(self, url: str, username: str, note: Note, authority: Path) -> None:
        super().__init__(url, username, note)
        self._http.close()
        self._tls = ssl.create_default_context(cafile=str(authority))
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False, verify=self._tls)
        self._secret = ""
        self._step = 0

    def sign_in(self, password: str = "", captcha: str = "") -> dict[str, Any]:
        """Through the provider's form; then the notice, or the authenticator. Who `/api/v1/me` says it is."""
        begun = self._http.get("/login?next=/welcome")
        if begun.status_code != 303:
            raise Unexpected(f"/login: {begun.status_code} {begun.text[:300]}")
        address = begun.headers["Location"].replace(PROVIDER, PUBLISHED)
        with httpx.Client(trust_env=False, verify=self._tls, headers={"Host": PROVIDER}) as browser:
            back = browser.post(address, data={"sub": self.username}).headers["Location"]
        parts = urlsplit(back)
        done = self._http.get(f"{parts.path}?{parts.query}", follow_redirects=True)
        if urlsplit(str(done.url)).path == "/account/consent":
            self._consent(done)
        elif urlsplit(str(done.url)).path == "/second-factor":
            self._factor(done)
        me: dict[str, Any] = self.call("GET", "/me").json()
        self.csrf_token = me["csrf_token"]
        return me

    def _hidden(self, page: str) -> dict[str, str]:
        return {
            n: unescape(v) for n, v in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
        }

    def _consent(self, page: httpx.Response) -> None:
        answer = self._http.post(
            "/account/consent", data=self._hidden(page.text) | {"agree": "1"}, headers=self._here()
        )
        if answer.status_code != 303:
            raise Unexpected(f"consent: {answer.status_code} {answer.text[:500]}")

    def _factor(self, page: httpx.Response) -> None:
        if shown := re.search(r"((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})", page.text):
            self._secret = shown[1].replace(" ", "")
        # A code counts once: the next one is waited for where somebody signs in again.
        while (step := int(time.time()) // 30) <= self._step:
            time.sleep(0.2)
        self._step = step
        code = pyotp.TOTP(self._secret).now()
        path = page.url.raw_path.decode()
        answer = self._http.post(path, data=self._hidden(page.text) | {"code": code}, headers=self._here())
        if answer.status_code != 303:
            raise Unexpected(f"second factor: {answer.status_code} {answer.text[:500]}")

    def _here(self) -> dict[str, str]:
        return {"Origin": str(self._http.base_url).rstrip("/")}

    def another(self) -> httpx.Client:
        """A further client of the same person, in the same session."""
        return httpx.Client(
            base_url=self._http.base_url, cookies=self.cookies, timeout=30, trust_env=False, verify=self._tls
        )
