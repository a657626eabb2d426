"""Every page a person can open, out of the gateway's own route table: a page that is added is looked at too."""

import re
import time
from dataclasses import dataclass
from datetime import timedelta

from pypdfium2 import PdfDocument

from deploy.demo.client import Person
from services.gateway.routes import table
from services.gateway.stub_idp.routes import ROUTES as STUB
from services.gateway.web.access import ANYBODY
from services.gateway.web.access import Page as Line
from shared import clock
from shared.identity import Role
from tests.system.running import RunningSystem, create, fill, publish_round, submit, version

# Who opens a page: the first of these whose role may.
ACCOUNTS = {
    Role.APPLICANT: "qiye1",
    Role.REVIEWER: "shencha",
    Role.DIRECTOR: "shending",
    Role.OFFICER: "yewu",
    Role.FORM_EDITOR: "bianzhi",
    Role.OPERATOR: "yunwei",
    Role.AUDITOR: "shenji",
    Role.EXPERT: "zhuanjia1",
}
# What a browser asks for: without it a fault comes as JSON, and is looked at by nobody.
PAGE = {"Accept": "text/html"}
# Pages of an applicant that show another application than the returned one, or more than one.
DRAFT = frozenset({"agents", "delete", "preview", "commitment", "checks", "excel", "deadline.ics"})
SUBMITTED = frozenset({"withdraw"})
# The fund type whose next version is being written.
DRAFTED_FORM = "innovation_cluster"
# Closes after every other round, so that nobody takes it for the usual one.
LATER = (clock.now() + timedelta(days=300)).isoformat()


@dataclass(frozen=True)
class Place:
    """A page to look at, and who looks at it; None for somebody who is not signed in."""

    path: str
    who: str | None
    # For a picture's file.
    name: str


@dataclass(frozen=True)
class Cases:
    """One application in each of the states whose pages differ, and a round."""

    draft: str
    submitted: str
    returned: str
    # With two experts, one of whom has given points.
    expert: str
    token: str
    round: str
    # 公示 of a list: a draft, and one that is published.
    list_draft: str
    list_published: str
    # A slot of the draft that is open to a telephone: the desk's page, and the telephone's.
    phone_desk: str
    phone: str


def prepare(system: RunningSystem) -> Cases:
    """A draft with a 暂存 newer than what is saved, one that waits, and one that came back with opinions."""
    person, reviewer = system.person("qiye1"), system.person("shencha")
    draft, submitted, returned, expert = (create(person) for _ in range(4))
    for id, name in (
        (draft, "燕京八绝礼盒"),
        (submitted, "京绣屏风"),
        (returned, "景泰蓝赏瓶"),
        (expert, "雕漆提盒"),
    ):
        fill(person, id, name=name)
    path = f"/applications/{draft}/sections/fund_plan"
    opened = person.call("GET", path).json()
    values = opened["saved"] | {"applied_total_wan": "25"}
    person.call("PUT", f"{path}/draft", json={"values": values}, etag=opened["etag"])
    submit(person, submitted)
    submit(person, returned)
    leased = reviewer.call("POST", f"/review/applications/{returned}/lease", json={}).json()
    body = {
        "correct_by": (clock.now() + timedelta(days=7)).isoformat(),
        "opinions": [
            {"section": "fund_plan", "field": "bank_name", "text": "开户银行请填写全称。"},
            {"section": "company", "text": "请补充最近一年的财务审计报告。"},
        ],
    }
    path = f"/review/applications/{returned}/return"
    reviewer.call("POST", path, json=body, etag=str(leased["version"]))
    submit(person, expert)
    _to_experts(system, expert)
    person.wait_for(f"/applications/{returned}/revisions/1/pdf", 60)
    content = person.call("GET", f"/applications/{returned}/revisions/1/pdf").content
    said = "".join("".join(p.get_textpage().get_text_range().split()) for p in PdfDocument(content))
    token = found[1] if (found := re.search(r"/verify/([A-Za-z0-9_.-]{16,})", said)) else "unknown"
    published, drafted = (
        _list(system, name, publish) for name, publish in (("京绣挂屏", True), ("玉雕摆件", False))
    )
    # Until its paper is made, its address answers 503.
    until = time.monotonic() + 60
    while person.page(f"/publicity/{published}/pdf").status_code != 200:
        assert time.monotonic() < until, "no PDF of the list"
        time.sleep(0.2)
    rounds = person.call("GET", "/rounds").json()
    _notice(system, rounds[0]["id"])
    # One draft a type: another module of the same system may have begun it.
    new = {"fund_type": DRAFTED_FORM, "based_on": 2}
    editor = system.person("bianzhi")
    editor.call("POST", "/form-drafts", json=new, expect=(201, 409))
    form_draft = f"/form-drafts/{DRAFTED_FORM}"
    kept = editor.call("GET", form_draft).json()
    if not kept["examples"]:
        editor.call(
            "POST", f"{form_draft}/examples", json={"name": "应当通过"}, etag=kept["etag"], expect=(201, 412)
        )
    open_to = _by_phone(person, draft)
    return Cases(draft, submitted, returned, expert, token, str(rounds[0]["id"]), drafted, published, *open_to)


def _by_phone(person: Person, id: str) -> tuple[str, str]:
    """用手机拍照上传 of the declaration: its page, and the link on it."""
    path = f"/applications/{id}/sections/commitment"
    form = {
        "csrf_token": person.csrf_token,
        "etag": person.call("GET", path).json()["etag"],
        "fund_type": "reward",
        "form_version": str(person.call("GET", f"/applications/{id}").json()["form_version"]),
        "action": "phone:commitment_scan",
    }
    with person.another() as http:
        desk = http.post(path, data=form, headers=PAGE, follow_redirects=True)
    link = re.search(r'class="digest">http://[^/]+(/phone/[\w-]+)<', desk.text)
    assert link, desk.text
    return desk.url.path, link[1]


def _notice(system: RunningSystem, round_id: str) -> None:
    """申报通知 of a round, confirmed where that takes a second person."""
    officer, director = system.person("yewu"), system.person("shending")
    path = f"/rounds/{round_id}"
    text = "# 申报要求\n\n请于截止时间前提交，详见 https://jxj.beijing.gov.cn 。\n\n- 申报书\n- 作品照片\n\n## 联系方式\n\n010-85235981"
    etag = str(officer.call("GET", path).json()["version"])
    written = officer.call("PUT", f"{path}/notice", json={"text": text}, etag=etag).json()
    if written["proposal"]:
        director.call("POST", f"{path}/proposal", json={}, etag=str(written["version"]))


def _list(system: RunningSystem, name: str, publish: bool) -> str:
    """A 公示 of one case; its id. A draft stands in a round of its own: a round has one, and others draft as well."""
    person, reviewer, director = (system.person(name) for name in ("qiye1", "shencha", "shending"))
    usual = next(r for r in person.call("GET", "/rounds").json() if r["is_open"] and r["fund_type"] == "reward")
    own = {k: usual[k] for k in ("fund_type", "form_version", "title", "opens_at", "parameters")} | {
        "closes_at": LATER
    }
    round_id = usual["id"] if publish else publish_round(system, own)
    id = person.call("POST", "/applications", json={"round_id": round_id}, key=True).json()["id"]
    fill(person, id, name=name)
    submit(person, id)
    _to_experts(system, id, scored_by=2)
    case = f"/review/applications/{id}"
    director.call("POST", f"{case}/propose", json={"amount_wan": "20"}, etag=version(director, id))
    made = reviewer.call("POST", "/review/announcements", json={"round": round_id, "kind": "publicity"}).json()
    if publish:
        path = f"/review/announcements/{made['id']}"
        director.call("POST", f"{path}/publish", json={}, etag=director.call("GET", path).json()["etag"])
    return str(made["id"])


def _to_experts(system: RunningSystem, id: str, scored_by: int = 1) -> None:
    reviewer, *experts = (system.person(name) for name in ("shencha", "zhuanjia1", "zhuanjia2"))
    case = f"/review/applications/{id}"
    for action in ("accept", "pass"):
        etag = str(reviewer.call("POST", f"{case}/lease", json={}).json()["version"])
        reviewer.call("POST", f"{case}/{action}", json={}, etag=etag)
    accounts = [expert.call("GET", "/me").json()["account"] for expert in experts]
    reviewer.call("PUT", f"{case}/experts", json={"experts": accounts}, etag=version(reviewer, id))
    sheet = experts[1].call("GET", f"/expert/applications/{id}/sheet").json()["sheet"]
    keys = [criterion["key"] for criterion in sheet["criteria"]]
    given = {"scores": dict.fromkeys(keys, "80"), "comments": dict.fromkeys(keys, "有据"), "opinion": "建议支持。"}
    for expert in experts[::-1][:scored_by]:
        expert.call("POST", f"/expert/applications/{id}/sheet", json=given)


def places(cases: Cases, sections: list[str]) -> list[Place]:
    """Every GET page of the table with its blanks filled in."""
    found: list[tuple[str, str | None]] = []
    lines = [*table(development=True), *(Line(r.method, r.path, r.handler, ANYBODY) for r in STUB)]
    for line in lines:
        if line.method == "GET" and not line.path.startswith(("/api/", "/.well-known", "/login/callback")):
            found += [(path, _who(line)) for path in _paths(line.path, cases, sections)]
    returned = f"/applications/{cases.returned}"
    more = (
        f"/applications/{cases.draft}/submit",
        f"/applications/{cases.draft}/sections/fund_plan?done=refused",
        f"/applications/{cases.submitted}/view",
        f"{returned}/view?revision=1",
        "/projects?q=没有这样的项目",
        "/nowhere",
    )
    staff = [
        (f"/review/{cases.expert}", "shending"),
        (f"/review/announcements/{cases.list_draft}", "shending"),
        (f"/rounds/{cases.round}", "shending"),
        (f"/expert/{cases.expert}", "zhuanjia1"),
    ]
    every = dict.fromkeys([*found, *((path, "qiye1") for path in more), *staff])
    return [Place(path, who, f"{who or 'anybody'}-{_name(path, cases)}") for path, who in every]


def _name(path: str, cases: Cases) -> str:
    for case, id in vars(cases).items():
        path = path.replace(id, case)
    return re.sub("[^a-z0-9]+", "-", path).strip("-") or "entrance"


def _who(line: Line) -> str | None:
    return next((name for role, name in ACCOUNTS.items() if role in line.roles), None)


def _paths(path: str, cases: Cases, sections: list[str]) -> list[str]:
    last = path.rpartition("/")[2]
    if path in ("/phone/{token}", "/applications/{id}/phone/{link}"):
        return [cases.phone if last == "{token}" else cases.phone_desk]
    if path.startswith("/applications/{id}"):
        id = cases.draft if last in DRAFT else cases.submitted if last in SUBMITTED else cases.returned
        filled = path.replace("{id}", id).replace("{n}", "1")
        paths = [filled.replace("{key}", key) for key in sections] if "{key}" in path else [filled]
        return [f"{p}?look=1" if last in {"preview", "commitment", "pdf"} else p for p in paths]
    if path.startswith("/review/{id}"):
        return [path.replace("{id}", cases.submitted)] if "{" not in path.replace("{id}", "") else []
    if path.startswith("/forms/{fund_type}"):
        filled = path.replace("{fund_type}", DRAFTED_FORM).replace("{version}", "2").replace("{n}", "0")
        return [f"{filled}{'?at=sections.0.fields.1' if last == 'part' else '?look=1' if last == 'pdf' else ''}"]
    if path == "/projects/form/{id}":
        return [f"{path.replace('{id}', cases.round)}?look=1"]
    if path == "/rounds/sandbox/{fund_type}":
        return [path.replace("{fund_type}", "reward")]
    if path == "/projects/eligibility":
        return [f"{path}?round={cases.round}"]
    if path in ("/rounds/{id}", "/rounds/{id}/notice", "/notices/{id}"):
        return [path.replace("{id}", cases.round)]
    if path.startswith("/review/announcements/{id}"):
        lists = (cases.list_draft, cases.list_published) if last == "{id}" else (cases.list_published,)
        return [path.replace("{id}", id) for id in lists]
    if path.startswith("/publicity/{id}"):
        return [path.replace("{id}", cases.list_published)]
    if path == "/verify/{token}":
        return [path.replace("{token}", cases.token)]
    return [] if "{" in path else [path]
