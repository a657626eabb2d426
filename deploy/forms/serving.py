"""Serve a form on a page that can be filled in (`forms preview`), from a file that may be edited meanwhile."""

import html
import re
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from deploy.forms.preview import HERE, Preview
from deploy.forms.rounds import facts_to_try
from services.applications.forms.authoring.lint import lint_file
from services.applications.forms.authoring.publishing import said
from services.applications.forms.authoring.source import read_file
from services.gateway.form import form_values, row_buttons
from services.gateway.web import assets
from services.gateway.web.form_data import Values

MAX_BODY = 20 * 1024 * 1024


def load(file: Path, rounds: Path, before: Preview | None = None) -> Preview | str:
    """Return the form as its file is now, with what was typed before; or what is wrong with it."""
    form, faults, _ = read_file(file)
    if form is None or any(fault.severity == "error" for fault in faults):
        return "\n".join(said(file, fault) for fault in lint_file(file))
    found = Preview(form, facts_to_try(form, rounds))
    if before is None:
        return found
    kept = {s.key: before.saved[s.key] for s in form.sections if s.key in before.saved}
    drafts = {s.key: before.drafts[s.key] for s in form.sections if s.key in before.drafts}
    # What no longer fits the edited form is shown again as typed, not as saved.
    return (
        replace(found, saved={}, drafts={**kept, **drafts})
        if form != before.form
        else replace(found, saved=kept, drafts=drafts)
    )


def write(found: Preview, folder: Path) -> None:
    """One page a section, an index, and the empty PDF; they open without a server."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (assets.SHEET, "mark.svg"):
        (folder / name).write_bytes(assets.ASSETS[name].plain)
    for section in found.form.sections:
        text = re.sub(rf'"{HERE}/sections/([A-Za-z0-9_]+)"', r'"\1.html"', found.page(section.key))
        text = re.sub(r'"/static/[0-9a-f]+/', '"', text)
        (folder / f"{section.key}.html").write_text(text.replace(f"{HERE}/preview", "form.pdf"), "utf-8")
    (folder / "form.pdf").write_bytes(found.pdf())
    items = "".join(f'<li><a href="{s.key}.html">{html.escape(s.label)}</a></li>' for s in found.form.sections)
    (folder / "index.html").write_text(_page(found.form.title, f'<ol>{items}</ol><p><a href="form.pdf">空表 PDF</a></p>'), "utf-8")  # fmt: skip


def _page(title: str, content: str) -> str:
    return (
        '<!DOCTYPE html><html lang="zh-CN"><meta charset="utf-8"><link rel="stylesheet" href="portal.css">'
        f'<title>{html.escape(title)}</title><main class="wide"><h1>预览：{html.escape(title)}</h1>{content}</main>'
    )


def _nowhere() -> web.HTTPException:
    said = '<p>表单里没有这项材料。</p><p><a href="/">从第一项材料开始</a></p>'
    return web.HTTPNotFound(text=_page("没有这一页", said), content_type="text/html")


class _Server:
    def __init__(self, file: Path, rounds: Path) -> None:
        self._file, self._rounds = file, rounds
        self._preview: Preview | None = None

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_get("/", self._start)
        app.router.add_get(HERE + "/sections/{key}", self._show)
        app.router.add_post(HERE + "/sections/{key}", self._take)
        app.router.add_get(HERE + "/preview", self._pdf)
        app.router.add_get(HERE + "/commitment", self._commitment)
        app.router.add_get("/static/{digest}/{name:.+}", assets.serve)
        return app

    def _now(self) -> Preview:
        """Return the form as its file is now."""
        found = load(self._file, self._rounds, self._preview)
        if isinstance(found, str):
            raise web.HTTPUnprocessableEntity(
                text=_page("表单有误", f"<pre>{html.escape(found)}</pre>"),
                content_type="text/html",
            )
        self._preview = found
        return found

    async def _start(self, _: web.Request) -> web.Response:
        raise web.HTTPSeeOther(f"{HERE}/sections/{self._now().form.sections[0].key}")

    async def _show(self, request: web.Request) -> web.Response:
        found = self._now()
        key = request.match_info["key"]
        if found.section(key) is None:
            raise _nowhere()
        return self._answer(found.page(key))

    async def _take(self, request: web.Request) -> web.Response:
        found = self._now()
        section = found.section(request.match_info["key"])
        if section is None:
            raise _nowhere()
        posted = await request.post()
        form: Values = {}
        for name, value in posted.items():
            if isinstance(value, str):
                form.setdefault(name, []).append(value.replace("\r\n", "\n"))
        definition = found.definition.by_key[section.key]
        values = form_values.read(definition, form)
        action, _, rest = form.get("action", ["draft"])[0].partition(":")
        if action == "save":
            errors = found.save(section, values)
            notice = None if errors else "已保存表单（预览）。"
            return self._answer(found.page(section.key, errors=errors, notice=notice))
        row_buttons.change(definition, action, rest, values)
        if action == "discard":
            found.drafts.pop(section.key, None)
        else:
            found.keep(section, values)
        return self._answer(found.page(section.key, notice="已暂存（预览）。"))

    @staticmethod
    def _answer(page: str) -> web.Response:
        said = '<p class="unsent"><b>预览</b> <span>没有登录；所填内容只留在内存中，附件不能上传。</span></p>'
        text = re.sub(r'<p class="unsent.*?</p>', said, page, count=1, flags=re.DOTALL)
        return web.Response(text=text, content_type="text/html")

    async def _pdf(self, _: web.Request) -> web.Response:
        return web.Response(body=self._now().pdf(), content_type="application/pdf")

    async def _commitment(self, _: web.Request) -> web.Response:
        return web.Response(body=self._now().commitment(), content_type="application/pdf")


def server(file: Path, rounds: Path) -> web.Application:
    """Return the preview as an application, for tests and for `serve`."""
    return _Server(file, rounds).app()


def serve(file: Path, rounds: Path, port: int) -> None:
    """Until it is stopped: http://127.0.0.1:PORT."""
    print(f"http://127.0.0.1:{port}/  （修改 {file.name} 后刷新网页即可；按 Ctrl-C 结束）", flush=True)
    web.run_app(server(file, rounds), host="127.0.0.1", port=port, print=None)
