"""Whatever anybody sends to any line of the gateway's table: no 500, no word of the inside, and an answer in time."""

import asyncio
import base64
import json
import re
import socket
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes
from uuid import UUID, uuid4

import hypothesis
import pytest
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, Phase, strategies

import services.gateway
from services.gateway.web.access import Page
from tests.integration.gateway.conftest import Browser, whole_table
from tests.integration.gateway.test_contract import INSIDE, World, sign_in, world
from tests.integration.gateway.test_route_by_role import PEOPLE

__all__ = ["world"]
SOURCES = Path(str(services.gateway.__file__)).parent
# Lines that never end by themselves, or that end the session under the test's feet.
NOT_PLAYED = frozenset({"/api/v1/events"})
LEAVES = re.compile(r"/logout|/account/sessions/.*|/second-factor")
# Every name that a handler looks up in a query or a form.
NAMES = sorted(
    {
        name
        for file in SOURCES.rglob("*.py")
        for name in re.findall(r"(?:query|form|typed|asked|fields)(?:\.get\(|\[|, )\"([a-z_.]{2,30})\"", file.read_text("utf-8"))
    }
    | {"next", "cursor", "limit", "since", "csrf_token", "username", "password", "captcha", "request", "state", "code", "again"}
)  # fmt: skip


def cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


TEXTS: list[bytes] = [
    *(
        text.encode()
        for text in (
            "", "0", "-1", "1", "9" * 30, "0" * 30 + "1", "1e400", "NaN", "²", "１", "//[", "http://[::1", "//[::1]x/", "/\\[",
            "../..", "2024-02-30", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00+14:00",
            "2024-01-01T00:00", "null", "[]", "{}", "-" * 36, str(UUID(int=1)), "{" + str(UUID(int=1)) + "}", "%", "%%", "%zz",
            "a" * 3000, "é" * 500, "\u202e", "\u0000", "a\u0000b", "\x0b", "\r\n", "'\";--", "{{7*7}}", "张三", "\U0001f600",
            cursor(5), cursor([1, 2]), cursor({"a": 1}), cursor(["2024-01-01T00:00:00+08:00", 5]), cursor([[], {}]),
            cursor(["2024-01-01T00:00:00+08:00", str(UUID(int=1)), 3]), cursor("x"), cursor(None), cursor([True, None]),
            base64.urlsafe_b64encode(b"[" * 3000).decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(), "A", "AA==", "=",
        )
    ),
    b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xe5\xbc",
]  # fmt: skip
JSONS = [
    b"", b"{", b"[]", b"5", b"null", b'"x"', b"\xff", b"\xef\xbb\xbf{}", b'{"a": 1e400}', b'{"a": NaN}', b'{"a": -Infinity}',
    b'{"a": ' + b"9" * 5000 + b"}", b'{"a": 123456789012345678901234567890}', b"[" * 5000, b'{"a":' * 50 + b"1" + b"}" * 50,
    b'{"values": 1e400}', b'{"values": {"mobile": 1e309}}', b'{"values": {"a": "\\u0000"}}', b'{"values": {"\\ud800": 1}}',
    b'{"values": {}, "values": []}', b'{"round_id": 99999999999999999999}', b'{"opinions": [1e400]}', b'{"amount_wan": 1e400}',
    b'{"fund_type": "reward", "form_version": 9999999999999999, "title": "x"}',
]  # fmt: skip
HEADERS = [
    b"Origin: //[", b"Origin: http://[::1", b"Origin: null", b"Origin: \xff", b"Sec-Fetch-Site: cross-site", b"User-Agent: \xff\xfe",
    b"User-Agent: " + b"x" * 4000, b"If-Match: \xff", b'If-Match: "' + b"9" * 40 + b'"', b"If-Match: *", b"If-None-Match: \xe5\xbc",
    b"Idempotency-Key: \xff", b"Accept: \xff", b"Accept: text/html;q=x", b"Accept-Encoding: gzip;q=abc, br;q=", b"Range: bytes=9-1,x",
    b"X-Request-Id: \xff", b"X-Forwarded-For: [::1, \xff, 1.2.3.4.5", b"X-CSRF-Token: \xff", b"X-CSRF-Token: ",
    b"Authorization: Basic \xff", b"Authorization: Basic /w==", b"Authorization: Bearer " + b"x" * 5000, b"Cookie: gm_session=\xff",
    b"Cookie: ;;;==;gm_session", b'Cookie: gm_stub="\\777\x7f"; gm_session=""', b"Submission-Ticket: x.y.z", b"GM-Time-Left: 1",
    b"traceparent: 00-zz", b"If-Modified-Since: x", b"Accept-Language: \xff", b"Connection: close, \xff", b"Content-Language: \xff",
]  # fmt: skip
TYPES = [
    b"application/json", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=b", b"multipart/form-data",
    b"multipart/form-data; boundary=", b"multipart/form-data; boundary=" + b"x" * 300, b"multipart/mixed; boundary=b", b"text/plain",
    b"application/x-www-form-urlencoded; charset=nonsense", b"application/json; charset=utf-7", b"application/json; charset=nonsense",
    b"multipart/form-data; boundary=b; charset=nonsense", b";", b"x", b"a/b/c; d=\"", b"multipart/form-data; boundary=\"b", b"\xff",
]  # fmt: skip


def part(name: bytes, value: bytes, more: bytes = b"") -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="' + name + b'"' + more + b"\r\n\r\n" + value + b"\r\n"


PARTS = [
    b"--b\r\n" + b"X: y\r\n" * 20_000 + b"\r\nvalue\r\n",
    b"--b\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\nvalue\r\n",
    b'--b\r\nContent-Disposition: form-data; name="a\x00b"\r\n\r\nvalue\r\n',
    b'--b\r\nContent-Disposition: form-data; name*0="a"; name*1="b"; name*x="c"\r\n\r\nvalue\r\n',
    b"--b\r\nContent-Disposition: form-data; name*=nonsense'x'%ff\r\n\r\nvalue\r\n",
    b"--b\r\nContent-Disposition: \xff; name=\xff\r\n\r\nvalue\r\n",
    b"--b\r\nContent Disposition\r\n\r\nvalue\r\n",
    b"--b\r\n\x01: \x02\r\n\r\nvalue\r\n",
    b"--b\r\n\r\n\r\n",
    b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n",
    b'--b\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\nnonsense\r\n',
    b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: nonsense\r\n\r\n=\r\n',
    b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Length: 99999\r\n\r\nx\r\n',
    b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Encoding: gzip\r\n\r\nx\r\n',
    b"--b" + b"x" * 20_000, b"--b--", b"--b\r\n", b"",
    part(b"file", b"%PDF-1.7", b'; filename="a\x0b\r.pdf"'), part(b"file.x", b"x" * 200, b'; filename="../../x"'),
    part(b"scan", b"\xff" * 100, b'; filename="%00.pdf"'), part(b"", b"x"), part(b"username", b"\x00"), part(b"again", b"\xff"),
]  # fmt: skip


class Player:
    """Sends requests to one line of the table, as somebody or nobody."""

    def __init__(self, port: int, people: dict[str, tuple[str, str]], world: World) -> None:
        self.port, self.people, self.world = port, people, world
        self.statuses: Counter[int] = Counter()

    def request(self, page: Page, draw: Any) -> bytes:
        def one(of: Any) -> Any:
            return draw(strategies.sampled_from(of))

        def often(n: int) -> bool:
            return bool(draw(strategies.integers(0, n)))

        def place(found: re.Match[str]) -> str:
            known = self.world.get(found[1]) or self.world["id"]
            return quote(one(known)) if often(3) else quote_from_bytes(one(TEXTS)[:300], safe="")

        def pairs() -> bytes:
            return "&".join(
                f"{one(NAMES)}={quote_from_bytes(one(TEXTS), safe='')}"
                for _ in range(draw(strategies.integers(0, 4)))
            ).encode()

        who = one([*self.people, ""])
        cookie, token = self.people.get(who, ("", ""))
        token = "wrong" if LEAVES.fullmatch(page.path) or not often(5) else token
        target = re.sub(r"\{(\w+)(?::[^}]*)?\}", place, page.path).encode()
        if (query := pairs()) and often(1):
            target += b"?" + query
        lines = [b"Connection: close", b"Accept: " + (b"text/html" if often(2) else b"application/json")]
        lines += [b"Cookie: gm_session=" + cookie.encode(), b"X-CSRF-Token: " + token.encode(), b'If-Match: "1"']
        lines.append(b"Idempotency-Key: " + uuid4().hex.encode())
        if not often(2):
            odd = one(HEADERS)
            lines = [line for line in lines if line.partition(b":")[0] != odd.partition(b":")[0]] + [odd]
        body = b""
        if page.method not in {"GET", "HEAD"}:
            kind = one(["pairs", "pairs", "parts", "json", "any"])
            if kind == "pairs":
                body, named = b"&".join(filter(None, [b"csrf_token=" + token.encode(), pairs()])), TYPES[1]
            elif kind == "parts":
                fields = [
                    part(b"csrf_token", token.encode()),
                    *(part(one(NAMES).encode(), one(TEXTS)) for _ in range(2)),
                ]
                body, named = b"".join([*fields, one(PARTS), one([b"--b--\r\n", b"--b--\r\n", b""])]), TYPES[2]
            elif kind == "json":
                body, named = one(JSONS), TYPES[0]
            else:
                body, named = one([*JSONS, *PARTS]), one(TYPES)
            lines += [b"Content-Type: " + (named if often(4) else one(TYPES)), b"Content-Length: %d" % len(body)]
        head = [page.method.encode() + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1:%d" % self.port, *lines]
        return b"\r\n".join(head) + b"\r\n\r\n" + body

    def play(self, request: bytes) -> str | None:
        """What is wrong with the answer."""
        found = bytearray()
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            while piece := connection.recv(65536):
                found += piece
        status = re.match(rb"HTTP/1\.[01] (\d{3})", found)
        if status is None:
            return "no answer"
        self.statuses[int(status[1])] += 1
        if status[1] in {b"500", b"502", b"504"}:
            return f"answered {status[1].decode()}"
        return "words of the inside" if int(status[1]) >= 400 and any(word in found for word in INSIDE) else None


def play_all(player: Player, table: list[Page], share: int) -> list[str]:
    """As many requests to each line; what went wrong, each with its request."""
    faults = []

    def play(page: Page) -> None:
        @hypothesis.settings(
            max_examples=share,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(data=strategies.data())
        def plays(data: Any) -> None:
            request = player.request(page, data.draw)
            if fault := player.play(request):
                faults.append(f"{fault}: {request[:1500].decode('latin-1')!r}")

        plays()

    for page in table:
        play(page)
    return faults


@pytest.mark.parametrize(
    "share",
    [
        3,
        pytest.param(24, marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
        pytest.param(120, marks=[pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(7200)]),
    ],
)
async def test_no_input_breaks_any_line(gateway: TestServer, world: World, share: int) -> None:
    people = {role.value: await sign_in(gateway, username) for role, username in PEOPLE.items()}
    table = [page for page in whole_table() if page.path not in NOT_PLAYED]
    player = Player(int(gateway.port or 0), people, world)
    faults = await asyncio.to_thread(play_all, player, table, share)
    assert not faults, "\n\n".join(faults[:20])
    # Enough got through to the handlers, and enough did not.
    assert {200, 303, 400, 404, 422} <= set(player.statuses), player.statuses
    browser = Browser(gateway)
    assert (await browser.go("GET", "/")).status == 200
    await browser.http.close()


FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
PARTED = "Content-Type: multipart/form-data; boundary=b\r\n"
DRAFT = "PUT /api/v1/applications/{id}/sections/contact/draft"
UPLOAD = "POST /api/v1/applications/{id}/attachments?section=company&slot=business_license"
# Each of these was answered 500 before there was one parser for its kind.
BROKE = [
    ("GET /login?next=//[", "", b"", {303}),
    ("GET /account/consent?next=http://[::1", "", b"", {200, 303}),
    ("GET /stub-idp/am/UI/Logout?goto=//[", "", b"", {303}),
    ("POST /logout", f"Origin: //[\r\n{FORM}", b"csrf_token=x", {403}),
    ("POST /unsubscribe/" + "x" * 40, "Content-Type: application/x-www-form-urlencoded; charset=no\r\n", b"a=b", {404}),
    ("POST /unsubscribe/" + "x" * 40, "Content-Type: multipart/form-data\r\n", b"a=b", {400}),
    ("POST /unsubscribe/" + "x" * 40, PARTED, PARTS[0] + b"--b--", {400}),
    ("POST /stub-idp/am/oauth2/authorize", FORM, b"request=x&username=%00", {400}),
    ("POST /stub-idp/password", FORM, b"username=a%00b", {400}),
    ("GET /stub-idp/review?done=" + "-" * 36, "", b"", {200, 303}),
    ("GET /api/v1/applications?cursor=" + cursor(["2024-01-01T00:00:00+08:00", 5]), "", b"", {400}),
    ("GET /api/v1/applications?cursor=" + cursor(5), "", b"", {400}),
    ("GET /api/v1/applications?cursor=" + cursor({"a": 1, "b": 2}), "", b"", {400}),
    ("GET /api/v1/applications?limit=00002099999999999999999", "", b"", {400}),
    (UPLOAD, "Content-Type: multipart/form-data\r\n", b"x", {400}),
    *((UPLOAD, PARTED, odd + b"--b--\r\n", {400}) for odd in PARTS[:4]),
    (DRAFT, "Content-Type: application/json\r\n", b'{"values": {"mobile": 1e400}}', {400}),
    (DRAFT, "Content-Type: application/json\r\n", b'{"values": {"mobile": ' + b"9" * 5000 + b"}}", {400}),
    (DRAFT, "Content-Type: application/json\r\nIf-Match: \xff\r\n", b'{"values": {}}', {400}),
    ("GET /api/v1/applications", "If-None-Match: \xff\r\n", b"", {400}),
]  # fmt: skip


async def test_what_broke_is_refused(gateway: TestServer, browser: Browser) -> None:
    await browser.sign_in("qiye1")
    rounds = await (await browser.call("GET", "/rounds")).json()
    made = await browser.call(
        "POST",
        "/applications",
        json={"round_id": next(r["id"] for r in rounds if r["is_open"])},
        headers={"Idempotency-Key": uuid4().hex},
    )
    id = (await made.json())["id"]
    faults = []
    for line, headers, body, expected in BROKE:
        tag = "" if "If-Match" in headers else 'If-Match: "1"\r\n'
        text = (
            f"{line.replace('{id}', id)} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nConnection: close\r\n"
            f"Cookie: gm_session={browser.cookie()}\r\nX-CSRF-Token: {browser.csrf_token}\r\n{headers}{tag}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(text.encode("latin-1") + body)
        answer = await reader.read()
        writer.close()
        if int(answer.split()[1]) not in expected:
            faults.append((line, headers, body[:60], answer[:200]))
    assert not faults
