"""Keep every mail and every short message that is sent here as a file, and show all of them on a page. For one machine only."""

import argparse
import asyncio
import html
import json
import signal
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from shared import clock

FOLDER = web.AppKey("folder", Path)
STYLE = (
    "body{font:16px/1.6 sans-serif;max-width:960px;margin:24px auto;padding:0 16px}"
    "article{border:1px solid #ccc;padding:8px 16px;margin:12px 0}pre{white-space:pre-wrap;font:inherit}"
)


class Keeper:
    """Writes each mail to a file of its own, visible only when it is whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        name = f"{clock.now():%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}.eml"
        part = self._folder / f".{name}"
        part.write_bytes(content)
        part.rename(self._folder / name)
        return "250 kept"


def messages(folder: Path) -> list[dict[str, str]]:
    """Return every mail, newest first."""
    found = []
    for file in sorted(folder.glob("*.eml"), reverse=True):
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain",))
        found.append(
            {
                "name": file.name,
                "from": str(message["From"]),
                "to": str(message["To"]),
                "subject": str(message["Subject"]),
                "message_id": str(message["Message-ID"]),
                "text": body.get_content() if body else "",
            }
        )
    return found


async def as_json(request: web.Request) -> web.Response:
    return web.json_response(messages(request.app[FOLDER]), dumps=lambda v: json.dumps(v, ensure_ascii=False))


async def as_page(request: web.Request) -> web.Response:
    articles = "".join(
        f"<article><h2>{html.escape(m['subject'])}</h2><p>{html.escape(m['to'])} · "
        f"<a href='/messages/{m['name']}'>{m['name']}</a></p><pre>{html.escape(m['text'])}</pre></article>"
        for m in messages(request.app[FOLDER])
    )
    short = "".join(
        f"<article><p>{html.escape(t['to'])} · {html.escape(t['at'])}</p><p>{html.escape(t['text'])}</p></article>"
        for t in texts(request.app[FOLDER])
    )
    text = (
        f"<!DOCTYPE html><html lang='zh-CN'><meta charset='utf-8'><title>邮件</title><style>{STYLE}</style>"
        f"<h1>系统发出的邮件</h1>{articles or '<p>还没有邮件。</p>'}<h1>系统发出的短信</h1>{short or '<p>还没有短信。</p>'}</html>"
    )
    return web.Response(text=text, content_type="text/html")


async def take_text(request: web.Request) -> web.Response:
    """Take a short message as a provider would; one with an id that came before is not kept twice."""
    given = await request.json()
    name = sha256(str(given["id"]).encode()).hexdigest()
    kept = request.app[FOLDER] / f"{name}.sms.json"
    if not kept.exists():
        part = request.app[FOLDER] / f".{kept.name}"
        part.write_text(json.dumps({**given, "at": clock.now().isoformat()}, ensure_ascii=False), encoding="utf-8")
        part.rename(kept)
    return web.json_response({"accepted": True, "id": name[:12]})


def texts(folder: Path) -> list[dict[str, str]]:
    """Return every short message, newest first."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.sms.json")]
    return sorted(found, key=lambda text: str(text["at"]), reverse=True)


async def texts_as_json(request: web.Request) -> web.Response:
    return web.json_response(texts(request.app[FOLDER]), dumps=lambda v: json.dumps(v, ensure_ascii=False))


async def as_file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    known = {file.name: file for file in request.app[FOLDER].glob("*.eml")}
    if name not in known:
        raise web.HTTPNotFound
    return web.FileResponse(known[name], headers={"Content-Type": "message/rfc822"})


def create_app(folder: Path) -> web.Application:
    app = web.Application()
    app[FOLDER] = folder
    app.router.add_get("/", as_page)
    app.router.add_get("/messages.json", as_json)
    app.router.add_get("/messages/{name}", as_file)
    app.router.add_post("/sms", take_text)
    app.router.add_get("/sms.json", texts_as_json)
    return app


async def serve(folder: Path, host: str, smtp_port: int, page_port: int) -> None:
    """Until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    smtp = Controller(Keeper(folder), hostname=host, port=smtp_port)
    smtp.start()
    runner = web.AppRunner(create_app(folder), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, page_port).start()
    try:
        await stop.wait()
    finally:
        await runner.cleanup()
        smtp.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.mail_sink")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--page-port", type=int, required=True)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(given.folder, given.host, given.smtp_port, given.page_port))


if __name__ == "__main__":
    main()
