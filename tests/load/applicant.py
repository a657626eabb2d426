"""What the applicant's pages cost beside an earlier commit: `make bench-applicant ARGS=commit`. 保存表单 with the page after it, a form
page, 暂存 by the page's script, 我的项目, the page before 提交申请, 查看申请."""

import re
from functools import partial
from html import unescape
from typing import Any

import httpx

from deploy.demo.client import Person
from tests.load.beside import Acts, compare
from tests.system.running import RunningSystem, create, fill, submit

SECTION = "project_content"


def names(values: dict[str, Any]) -> dict[str, Any]:
    """A section's values under the names of its page's form."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for n, row in enumerate(value):
                found |= {f"t.{key}.{n}.{column}": cell for column, cell in row.items() if cell is not None}
        elif isinstance(value, list):
            found[f"s.{key}"] = [str(item) for item in value]
        elif value is not None:
            found[f"f.{key}"] = "1" if value is True else str(value)
    return found


class Form:
    """The page of one section in a browser of its own."""

    def __init__(self, url: str, person: Person, id: str) -> None:
        self.path = f"/applications/{id}/sections/{SECTION}"
        self.http = httpx.Client(base_url=url, timeout=30, trust_env=False, cookies=person.cookies)
        self.values = names(person.call("GET", self.path).json()["saved"])
        self.hidden: dict[str, str] = {}
        self.turns = 0

    def open(self) -> httpx.Response:
        """The form page."""
        return self.read(self.http.get(self.path, headers={"Accept": "text/html"}))

    def read(self, page: httpx.Response) -> httpx.Response:
        """Keep what the page's form brings along."""
        form = page.text[page.text.index("data-form") :]
        found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        wanted = ("csrf_token", "etag", "form_version", "fund_type", "base")
        self.hidden = {name: unescape(found[name]) for name in wanted if name in found}
        return page

    def save(self) -> httpx.Response:
        """保存表单, and the page after it."""
        page = self._post("save", "text/html")
        assert "已保存表单。" in page.text, page.text[:2000]
        return self.read(page)

    def keep(self) -> httpx.Response:
        """暂存, as the page's script does it."""
        kept = self._post("draft", "application/json")
        self.hidden |= {name: kept.json()[name] for name in ("etag", "base")}
        return kept

    def _post(self, action: str, accept: str) -> httpx.Response:
        self.turns += 1
        typed = {**self.hidden, **self.values, "f.project_name": f"景泰蓝赏瓶{self.turns}", "action": action}
        parts = [
            (name, (None, str(one)))
            for name, value in typed.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        return self.http.post(self.path, files=parts, headers={"Accept": accept}, follow_redirects=True)


def played(system: RunningSystem) -> Acts:
    """Applications as their enterprise meets them, and what it does with them."""
    person = system.person("qiye1")
    draft, handed_in = create(person), create(person)
    for id in (draft, handed_in):
        fill(person, id, name="景泰蓝赏瓶")
    submit(person, handed_in)
    form = Form(system.url, person, draft)
    form.open()
    return {
        "保存表单": form.save,
        "表单页": form.open,
        "暂存": form.keep,
        "我的项目": partial(person.page, "/projects"),
        "提交申请前": partial(person.page, f"/applications/{draft}/submit"),
        "查看申请": partial(person.page, f"/applications/{handed_in}/view"),
    }


if __name__ == "__main__":
    compare(played)
