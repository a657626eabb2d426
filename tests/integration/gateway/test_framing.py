"""However a request is framed: the next person's answer is that person's own, and no token of ours is in any answer."""

import asyncio
import gzip
import json
import re
import socket
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
import requests
from aiohttp import FormData
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, Phase, strategies

from deploy.demo.files import pdf
from services.gateway.app import create_app
from shared.identity import Signer
from tests import factories
from tests.integration.gateway.conftest import Browser, make_settings

# The beginning of every token, and of the header that carries one.
OURS = (b"eyJ", b"Bearer", b"Authorization")
VICTIMS = {"qiye2": "/applications", "shencha": "/review/applications"}


@dataclass(frozen=True)
class Sent:
    """One message: what is announced and what is sent need not agree."""

    method: str
    target: str
    version: str
    headers: tuple[str, ...]
    body: bytes
    # How much of the body is sent, and how the connection ends after that.
    part: float
    end: str

    def head(self, host: str, cookie: str, token: str) -> bytes:
        lines = [
            f"{self.method} {self.target.format(host=host)} HTTP/{self.version}",
            f"Host: {host}",
            f"Cookie: gm_session={cookie}",
            f"X-CSRF-Token: {token}",
            'If-Match: "1"',
            f"Idempotency-Key: {uuid4().hex}",
            *self.headers,
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def smuggled(id: str) -> bytes:
    """A request in a body, whose last header swallows the first line of whatever follows."""
    return (
        f'POST /api/v1/review/applications/{id}/accept HTTP/1.1\r\nHost: x\r\nIf-Match: "1"\r\n'
        "Idempotency-Key: 0123456789\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        "GET /api/v1/applications HTTP/1.1\r\nX-Swallowed: "
    ).encode()


def chunked(body: bytes, *, size: str = "{:x}", last: bytes = b"0\r\n\r\n") -> bytes:
    return size.format(len(body)).encode() + b"\r\n" + body + b"\r\n" + last


CODINGS = [
    "chunked", "Chunked", "gzip, chunked", "chunked, identity", "chunked, chunked", "identity", "xchunked", "\tchunked",
]  # fmt: skip
HEADERS = [
    "Expect: 100-continue", "Expect: 200-ok", "Upgrade: websocket", "Upgrade: h2c", "Connection: Upgrade",
    "Connection: close, TE", "Connection: content-length", "Connection: keep-alive", "TE: trailers",
    "Trailer: Content-Length", "Accept-Encoding: gzip", "Range: bytes=0-1", "Content-Type: multipart/form-data; boundary=b",
]  # fmt: skip
TARGETS = [
    "/api/v1/applications/{id}/attachments?section=company&slot=business_license", "/api/v1/nowhere", "/projects/new",
    "/verify/x", "http://{host}/api/v1/applications", "http://evil.example/login", "//{host}/api/v1/rounds", "*",
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "BREW"]


@strategies.composite
def messages(draw: Any, id: str) -> Sent:
    """Requests that are right but for a thing or two, which two programs may read in two ways."""

    def one(*of: Any) -> Any:
        return draw(strategies.sampled_from(of))

    odd = draw(
        strategies.sets(
            strategies.sampled_from(
                [
                    "coding",
                    "length",
                    "twice",
                    "chunks",
                    "both",
                    "header",
                    "target",
                    "method",
                    "version",
                    "more",
                    "part",
                ]
            ),
            max_size=2,
        )
    )
    body: bytes = one(
        b"{}", b"{}", json.dumps({"values": {}}).encode(), smuggled(id), b"x" * 70_000, b" " * 3000 + b"{}"
    )
    method, target = one(
        ("PUT", "/api/v1/applications/{id}/sections/contact/draft"),
        ("POST", "/api/v1/applications/{id}/submit"),
        # Answered before its body is read.
        ("POST", "/api/v1/applications/{id}/nowhere"),
        ("GET", "/api/v1/applications"),
        ("HEAD", "/api/v1/applications"),
        ("DELETE", "/api/v1/applications/{id}/attachments/{id}"),
    )
    if "method" in odd:
        method = one(*METHODS)
    if "target" in odd:
        target = one(*TARGETS)
    if method in {"GET", "HEAD", "DELETE"} and "method" not in odd:
        body = b""
    headers = ["Content-Type: application/json"]
    if "coding" in odd:
        coding = one("gzip", "deflate", "br", "zstd", "identity", "gzip, gzip", "x")
        headers.append(f"Content-Encoding: {coding}")
        body = {"gzip": gzip.compress, "deflate": zlib.compress}.get(coding, bytes)(body)
    n = len(body)
    lengths = [n + 40, max(0, n - 10), 0, f"+{n}", f"0{n}", f"-{n}", f"{n}, {n}", "1e3", ""]
    if "length" in odd:
        headers.append(f"Content-Length: {one(*lengths)}")
    elif "chunks" not in odd and (n or "both" in odd):
        headers.append(f"Content-Length: {n}")
    if "twice" in odd:
        headers.append(f"Content-Length: {one(n, *lengths)}")
    if odd & {"chunks", "both"}:
        headers.append(f"Transfer-Encoding: {one('chunked', *CODINGS)}")
        size = one("{:x}", "{:x}", "{:X}", "{:x};a=b", "0x{:x}", "{:x} ", "-{:x}", "", "fffffffffffffffff")
        last = one(b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"", b"00\r\n\r\n", b"0\n\n")
        body = chunked(body, size=size, last=last)
    if "header" in odd:
        headers.append(one(*HEADERS))
    return Sent(
        method=method,
        target=target.replace("{id}", id),
        version=one("1.0", "2.0") if "version" in odd else "1.1",
        headers=tuple(headers),
        body=body + (smuggled(id) if "more" in odd else b""),
        part=one(0.5, 0.0, 0.99) if "part" in odd else 1.0,
        end=one("wait", "close", "half", "reset") if "part" in odd else "wait",
    )


class Attacker:
    """Sends bytes as they are, and reads whatever comes back."""

    def __init__(self, port: int, cookie: str, token: str) -> None:
        self.port, self.cookie, self.token = port, cookie, token

    def send(self, message: Sent) -> bytes:
        found = bytearray()
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection, suppress(OSError):
            head = message.head(f"127.0.0.1:{self.port}", self.cookie, self.token)
            connection.sendall(head + message.body[: int(len(message.body) * message.part)])
            if message.end == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return b""
            if message.end == "close":
                return b""
            if message.end == "half":
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.15)
            while piece := connection.recv(65536):
                found += piece
        return bytes(found)


class Victim:
    """Somebody who asks for the own list again and again, on connections that stay open."""

    def __init__(self, url: str, path: str, cookie: str) -> None:
        self.url, self.path, self.cookie = url, path, cookie
        self.http = requests.Session()
        self.http.trust_env = False
        self.expected = self.ask()

    def ask(self) -> tuple[int, bytes]:
        answer = self.http.get(f"{self.url}/api/v1{self.path}", cookies={"gm_session": self.cookie}, timeout=10)
        assert not any(word in answer.content for word in OURS)
        return answer.status_code, answer.content


def attack(attacker: Attacker, victims: list[Victim], id: str, examples: int) -> None:
    seen: set[int] = set()

    @hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(several=strategies.lists(messages(id), min_size=1, max_size=3))
    def attacks(several: list[Sent]) -> None:
        for message in several:
            answer = attacker.send(message)
            assert not any(word in answer for word in OURS), answer
            statuses = [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d{3})", answer)]
            assert 500 not in statuses, answer
            seen.update(statuses)
        for victim in victims:
            for _ in range(2):
                assert victim.ask() == victim.expected

    attacks()
    # Enough got through to a service, and enough did not.
    assert {200, 400, 415} <= seen, seen


async def signed_in(gateway: TestServer, username: str) -> tuple[str, str]:
    browser = Browser(gateway)
    try:
        await browser.sign_in(username)
        return browser.cookie(), browser.csrf_token
    finally:
        await browser.http.close()


async def draft_of(gateway: TestServer, username: str) -> str:
    browser = Browser(gateway)
    try:
        await browser.sign_in(username)
        rounds = await (await browser.call("GET", "/rounds")).json()
        made = await browser.call(
            "POST",
            "/applications",
            json={"round_id": next(r["id"] for r in rounds if r["is_open"])},
            headers={"Idempotency-Key": uuid4().hex},
        )
        return str((await made.json())["id"])
    finally:
        await browser.http.close()


@pytest.mark.parametrize(
    "examples",
    [
        60,
        pytest.param(400, marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
        pytest.param(1500, marks=[pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
async def test_every_framing_leaves_others_alone(gateway: TestServer, examples: int) -> None:
    id = await draft_of(gateway, "qiye1")
    await draft_of(gateway, "qiye2")
    attacker = Attacker(int(gateway.port or 0), *await signed_in(gateway, "qiye1"))
    url = str(gateway.make_url("/")).rstrip("/")
    cookies = {name: (await signed_in(gateway, name))[0] for name in VICTIMS}
    victims = [await asyncio.to_thread(Victim, url, path, cookies[name]) for name, path in VICTIMS.items()]
    assert all(v.expected[0] == 200 for v in victims)
    await asyncio.to_thread(attack, attacker, victims, id, examples)
    for victim in victims:
        victim.http.close()


# ---- one by one ---------------------------------------------------------------------------------------------


async def raw(port: int, text: bytes) -> bytes:
    """Whatever comes back for these very bytes, until the server ends the connection or says no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = bytearray()
    try:
        writer.write(text)
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(1):
                while piece := await reader.read(65536):
                    found += piece
    finally:
        writer.close()
    return bytes(found)


@pytest.mark.parametrize(
    ("line", "more", "code"),
    [
        ("POST /api/v1/applications", "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "content_encoding"),
        ("POST /logout", "Content-Encoding: deflate\r\nContent-Length: 2\r\n\r\n{}", "content_encoding"),
        ("POST /stub-idp/am/oauth2/authorize", "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", "content_encoding"),
        ("GET /api/v1/applications", "Content-Length: 2\r\n\r\n{}", "body_unexpected"),
        ("HEAD /", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "body_unexpected"),
        ("POST /logout", "Expect: a miracle\r\nContent-Length: 2\r\n\r\n{}", "expect"),
        ("GET /", "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "upgrade"),
        ("GET http://{host}/login", "\r\n", "target"),
        ("GET http://evil.example/login", "\r\n", "target"),
        ("OPTIONS *", "\r\n", "target"),
    ],
)  # fmt: skip
async def test_what_could_be_read_in_two_ways_is_refused(
    gateway: TestServer, applications: TestServer, line: str, more: str, code: str
) -> None:
    for server in (gateway, applications):
        host = f"127.0.0.1:{server.port}"
        text = (
            f"{line.format(host=host)} HTTP/1.1\r\nHost: {host}\r\n{more}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        answer = await raw(int(server.port or 0), text.encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.1 415"))
        assert b"connection: close" in head.lower()
        # What follows on the connection is not looked at.
        assert answer.count(b"HTTP/1.1") == 1
        assert not body or code.encode() in body
        assert b"evil" not in answer


async def test_an_error_never_repeats_what_came(applications: TestServer, gateway: TestServer) -> None:
    token = Signer("gateway", factories.private_key("gateway")).token("applications", "GET", "/x")
    for server in (gateway, applications):
        for text in (
            f"GARBAGE {token}\r\n\r\n",
            f"GET / HTTP/1.1\r\nAuthorization {token}\r\n\r\n",
            f"{token}\r\n",
        ):
            answer = await raw(int(server.port or 0), text.encode())
            assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
            assert b"malformed" in answer
            assert token[:12].encode() not in answer


async def test_an_answer_to_somebody_else_is_nobodys(database_url: str, redis_url: str) -> None:
    """A service that answers twice to one request: the second answer waits on the connection for the next person."""

    async def answers_twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                # What nobody waits for (the audit's heads) has no id.
                id = re.search(rb"x-request-id: (\S+)", head, re.I) or (b"", b"-")
                body = b'{"to": "%s"}' % id[1]
                one = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
                writer.write(one + b"X-Request-Id: " + id[1] + b"\r\n\r\n" + body)
                await writer.drain()
                await asyncio.sleep(0.05)
                writer.write(one + b"X-Request-Id: " + id[1] + b"\r\n\r\n" + body)
        writer.close()

    service = await asyncio.start_server(answers_twice, "127.0.0.1", 0)
    port = service.sockets[0].getsockname()[1]
    settings = make_settings(database_url, redis_url, applications_url=f"http://127.0.0.1:{port}")
    try:
        async with TestServer(create_app(settings), port=settings.gateway_port) as server:
            one, other = Browser(server), Browser(server)
            for browser, name in ((one, "qiye1"), (other, "qiye2")):
                assert (await browser.send_form(await browser.to_form("/welcome"), name)).status == 200
            found = []
            for browser in (one, other) * 6:
                answer = await browser.call("GET", "/applications")
                found.append(answer.status)
                if answer.status == 200:
                    assert (await answer.json())["to"] == answer.headers["X-Request-Id"]
                await asyncio.sleep(0.1)
            assert set(found) == {200, 503}
            await one.http.close()
            await other.http.close()
    finally:
        service.close()


async def test_uploads_that_break_off_are_nobodys_outage(gateway: TestServer, browser: Browser) -> None:
    id = await draft_of(gateway, "qiye1")
    cookie, token = await signed_in(gateway, "qiye1")
    host = f"127.0.0.1:{gateway.port}"
    head = (
        f"POST /api/v1/applications/{id}/attachments?section=company&slot=business_license HTTP/1.1\r\nHost: {host}\r\n"
        f"Cookie: gm_session={cookie}\r\nX-CSRF-Token: {token}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        'Content-Length: 3000000\r\n\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-'
    ).encode()
    for _ in range(8):
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(head + b"x" * 300_000)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()
    await browser.sign_in("qiye2")
    answers = [await browser.call("GET", "/applications") for _ in range(5)]
    assert {answer.status for answer in answers} == {200}
    form = FormData()
    form.add_field("file", pdf(weight=300_000), filename="a.pdf")
    other = await draft_of(gateway, "qiye2")
    path = f"/applications/{other}/attachments?section=company&slot=business_license"
    assert (await browser.call("POST", path, data=form)).status == 201


async def test_head_is_answered_wherever_get_is(gateway: TestServer, browser: Browser) -> None:
    await browser.sign_in("qiye1")
    for path in ("/", "/projects", "/help", "/healthz", "/api/v1/me", "/api/v1/applications", "/api/v1/events"):
        got = None
        if path != "/api/v1/events":
            got = await browser.go("GET", path)
        head = await browser.go("HEAD", path)
        assert (head.status, await head.read()) == (200, b""), path
        if got is not None and "Content-Length" in got.headers:
            assert head.headers["Content-Type"] == got.headers["Content-Type"], path
    assert (await browser.go("HEAD", "/nowhere")).status == 404
