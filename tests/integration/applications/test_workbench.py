"""表单工作台: drafts that several write, proposals, publication by a second person, versions retired; each act audited."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from deploy.forms import office
from services.applications.forms.authoring.publishing import digest_of
from services.applications.forms.authoring.source import read_file
from services.applications.forms.catalogue import FOLDER
from services.applications.operations import preflight
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Application, Audit
from services.applications.tables.forms import FormVersion
from services.applications.workbench import publication, reading
from services.applications.workbench.drafts import EMPTY
from shared.contract.workbench import MAX_TEXT
from shared.errors import Conflict
from shared.identity import Actor, Role
from shared.preflight import Level
from tests import factories
from tests.integration.applications.conftest import Api, make_settings

pytestmark = pytest.mark.usefixtures("published_here")
AUTHOR, OTHER = factories.staff(Role.FORM_EDITOR, "秦编制"), factories.staff(Role.FORM_EDITOR, "尤编制")
OFFICER = factories.staff(Role.OFFICER, "杨业务")
SUBSIDY = (FOLDER / "subsidy" / "2.yaml").read_text("utf-8")


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> ApplicationsSettings:
    return make_settings(database_url, tmp_path_factory.mktemp("applications"), forms_by_two=True)


async def call(
    api: Api, method: str, path: str, who: Actor = AUTHOR, etag: str | None = None, **body: Any
) -> ClientResponse:
    headers = {"If-Match": f'"{etag}"'} if etag else {}
    json = body if method in ("POST", "PUT") else None
    return await api.call(method, f"/api/v1/{path}", who, json=json, headers=headers)


async def ok(answer: ClientResponse, status: int = 200) -> Any:
    assert answer.status == status, await answer.text()
    return await answer.json()


async def refused(answer: ClientResponse, status: int, code: str) -> dict[str, Any]:
    said = await answer.json()
    assert (answer.status, said["type"]) == (status, code), said
    return dict(said)


async def begun(api: Api, fund_type: str, who: Actor = AUTHOR, **body: Any) -> dict[str, Any]:
    return dict(await ok(await call(api, "POST", "form-drafts", who, fund_type=fund_type, **body), 201))


async def saved(
    api: Api, draft: dict[str, Any], text: str | None = None, who: Actor = AUTHOR, **edit: Any
) -> dict[str, Any]:
    body = {"text": draft["text"] if text is None else text, **({"edit": edit} if edit else {})}
    path = f"form-drafts/{draft['fund_type']}"
    return dict(await ok(await call(api, "PUT", path, who, draft["etag"], **body)))


async def published(api: Api, fund_type: str) -> dict[str, Any]:
    draft = await begun(api, fund_type, label="展会补贴")
    draft = await ok(await call(api, "POST", f"form-drafts/{fund_type}/proposal", AUTHOR, draft["etag"]))
    path = f"form-drafts/{fund_type}/publish"
    return dict(await ok(await call(api, "POST", path, OTHER, draft["etag"]), 201))


async def test_the_next_version_is_written_proposed_and_published_by_somebody_else(
    api: Api, sessions: async_sessionmaker[AsyncSession]
) -> None:
    draft = await begun(api, "subsidy", based_on=2)
    assert draft["text"] == SUBSIDY.replace("\nversion: 2\n", "\nversion: 3\n")
    assert (draft["publishable"], draft["changes"], draft["etag"]) == (True, [], "1")
    await refused(
        await call(api, "POST", "form-drafts", OTHER, fund_type="subsidy", based_on=2), 409, "already_open"
    )

    # A column, a condition, a slot and a check, by the outline's small forms.
    section = next(e for e in draft["outline"] if e["sort"] == "sections" and e["key"] == "project_content")
    draft = await saved(api, draft, act="add", at=section["at"], sort="slots")
    slot = next(e for e in draft["outline"] if e["sort"] == "slots" and e["key"] == "new1")
    draft = await saved(
        api,
        draft,
        act="put",
        at=slot["at"],
        values={"label": "场所照片", "accept": ["jpg", "png"], "required": False},
    )
    draft = await saved(api, draft, act="add", at=[], sort="checks")
    check = [e for e in draft["outline"] if e["sort"] == "checks"][-1]
    draft = await saved(
        api, draft, act="put", at=check["at"], values={"rule": "项目名称已经填写", "message": "没有填写项目名称"}
    )
    assert draft["publishable"], draft["faults"]
    said = [f"{c['where']}：{c['text']}" for c in draft["changes"]]
    assert any("场所照片：新增附件（选填）" in line for line in said), said
    assert any("新增核对：没有填写项目名称" in line for line in said), said
    # Comments and everything else are where they were.
    assert [line for line in draft["text"].splitlines() if line.lstrip().startswith("#")] == [
        line for line in SUBSIDY.splitlines() if line.lstrip().startswith("#")
    ]

    # Not yet proposed; then not by its author; then by somebody else who saw another text.
    publish = "form-drafts/subsidy/publish"
    await refused(await call(api, "POST", publish, OTHER, draft["etag"]), 409, "nothing_proposed")
    proposed = await ok(
        await call(api, "POST", "form-drafts/subsidy/proposal", AUTHOR, draft["etag"], note="下一年度用")
    )
    assert (proposed["proposal"]["note"], proposed["proposal"]["own"]) == ("下一年度用", True)
    told = await refused(await call(api, "POST", publish, AUTHOR, proposed["etag"]), 409, "second_person")
    assert "另一位表单编制人员" in told["detail"]
    await refused(await call(api, "POST", publish, OTHER, draft["etag"]), 412, "stale")
    # Whoever looks at it may give it up; that is no change of the text.
    withdraw = "form-drafts/subsidy/proposal"
    withdrawn = await ok(await call(api, "DELETE", withdraw, OTHER, proposed["etag"]))
    assert withdrawn["proposal"] is None
    await refused(await call(api, "DELETE", withdraw, OTHER, withdrawn["etag"]), 409, "nothing_proposed")
    await refused(await call(api, "DELETE", withdraw, OTHER, proposed["etag"]), 412, "stale")
    proposed = await ok(await call(api, "POST", withdraw, AUTHOR, withdrawn["etag"], note="下一年度用"))
    # Changing it gives the proposal up, and makes whoever changes it an author.
    changed = await saved(api, proposed, proposed["text"] + "# 校对\n", who=OTHER)
    assert changed["proposal"] is None
    proposed = await ok(await call(api, "POST", "form-drafts/subsidy/proposal", OTHER, changed["etag"]))
    await refused(await call(api, "POST", publish, OTHER, proposed["etag"]), 409, "second_person")
    made = await ok(await call(api, "POST", publish, AUTHOR, proposed["etag"]), 201)
    assert (made["version"]["version"], made["version"]["proposed_by"]) == (3, "尤编制")
    assert made["version"]["sha256"] == digest_of(changed["text"])
    assert made["text"] == changed["text"]

    # There at once for whoever opens rounds; the draft is gone; each act stands in the audit, with the digest.
    listed = await ok(await api.call("GET", "/api/v1/forms", OFFICER))
    assert {
        "fund_type": "subsidy",
        "version": 3,
        "label": "补助类",
        "title": "工美资金（补助）",
        "retired": False,
    } in listed
    await refused(await call(api, "GET", "form-drafts/subsidy"), 404, "not_found")
    async with sessions() as session:
        rows = list(
            await session.scalars(
                select(Audit).where(Audit.details["form"].astext == "subsidy").order_by(Audit.id)
            )
        )
    assert [row.action for row in rows] == [
        "begin_form", *["save_form"] * 4, "propose_form", "withdraw_form", "propose_form", "save_form", "propose_form", "publish_form",
    ]  # fmt: skip
    assert rows[-1].details["sha256"] == rows[-2].details["sha256"] == made["version"]["sha256"]
    assert rows[8].details["gave_up_proposal_of"] == "秦编制"


async def test_two_editors_keep_both_texts_and_go_back(api: Api) -> None:
    draft = await begun(api, "two_editors", label="双人")
    mine, theirs = (draft["text"].replace("项目名称", name) for name in ("甲的名称", "乙的名称"))
    after = await saved(api, draft, theirs, who=OTHER)
    answer = await call(api, "PUT", "form-drafts/two_editors", AUTHOR, draft["etag"], text=mine)
    told = await refused(answer, 412, "stale")
    assert told["current"] == {"etag": after["etag"], "text": theirs, "changed_by": "尤编制"}
    assert [s["by"] for s in after["saves"]] == ["尤编制", "秦编制"]
    await refused(await call(api, "POST", "form-drafts/two_editors/saves/1", AUTHOR, draft["etag"]), 412, "stale")
    back = await ok(await call(api, "POST", "form-drafts/two_editors/saves/1", AUTHOR, after["etag"]))
    assert back["text"] == draft["text"]
    assert len(back["saves"]) == 3
    await refused(await call(api, "POST", "form-drafts/two_editors/saves/99", AUTHOR, back["etag"]), 409, "gone")
    await refused(await call(api, "DELETE", "form-drafts/two_editors", AUTHOR, after["etag"]), 412, "stale")
    await ok(await call(api, "DELETE", "form-drafts/two_editors", OTHER, back["etag"]))
    await refused(await call(api, "GET", "form-drafts/two_editors"), 404, "not_found")


async def test_two_saves_are_joined_by_place(api: Api) -> None:
    draft = await begun(api, "joined", label="合并")
    first = draft["text"]
    mine, theirs = first.replace("label: 项目名称", "label: 名称"), first.replace("max: 20", "max: 30")
    after = await saved(api, draft, theirs, who=OTHER)
    path = "form-drafts/joined/merge"
    merged = await ok(await call(api, "POST", path, seen=draft["etag"], text=mine))
    assert (merged["questions"], merged["etag"], merged["changed_by"]) == ([], after["etag"], "尤编制")
    assert merged["text"] == mine.replace("max: 20", "max: 30")
    # The draft as it was seen, with a change of the outline; one that both made, and answered.
    edit = {"act": "put", "at": ["sections", 0, "fields", 1], "values": {"max": 40}}
    asked = await ok(await call(api, "POST", path, seen=draft["etag"], edit=edit))
    assert [(q["place"], q["label"], q["choice"]) for q in asked["questions"]] == [
        ("sections/project/fields/district/max", "材料 · 项目基本情况 · 字段 · 所属区 · max", "mine")
    ]
    choices = {asked["questions"][0]["place"]: "theirs"}
    told = await ok(await call(api, "POST", path, seen=draft["etag"], edit=edit, choices=choices))
    assert told["text"] == theirs
    assert (await ok(await call(api, "GET", "form-drafts/joined")))["text"] == theirs
    await refused(await call(api, "POST", path, seen="0", text=mine), 409, "gone")
    wrong = {"act": "up", "at": ["sections", 0]}
    await refused(await call(api, "POST", path, seen="1", text=mine, edit=wrong), 422, "invalid")
    await refused(await call(api, "POST", "form-drafts/nowhere/merge", seen="1"), 404, "not_found")
    assert (await call(api, "POST", path, seen="1", choices={"x": "both"})).status == 400


async def test_examples_are_kept_judged_and_published_along(
    api: Api, sessions: async_sessionmaker[AsyncSession]
) -> None:
    draft = await begun(api, "kept", label="样例")
    rule = """
checks:
  - {id: short, holds: length(project.name) <= 4, rule: 名称不超过四个字, message: 名称太长, section: project, field: name}
"""
    draft = await saved(api, draft, draft["text"].rstrip("\n") + rule)
    assert draft["checks"] == {"short": "名称不超过四个字"}
    path = "form-drafts/kept/examples"
    draft = await ok(await call(api, "POST", path, AUTHOR, draft["etag"], name="应当通过"), 201)
    assert (draft["examples"][0]["said"], draft["publishable"]) == (None, True)
    assert [f["message"] for f in draft["faults"] if "样例" in f["message"]] == [
        "没有样例检验核对“short”：请做一个应当被它拦下的样例"
    ]
    refused_one = {"name": "名称太长", "refused": True, "by": "short"}
    draft = await ok(await call(api, "POST", path, AUTHOR, draft["etag"], **refused_one), 201)
    assert draft["examples"][1]["said"] == "应当被“short”拦下，却通过了"
    text = draft["examples"][1]["text"].replace("name: 示例", "name: 五个字的名")
    draft = await ok(await call(api, "PUT", f"{path}/1", AUTHOR, draft["etag"], **refused_one, text=text))
    assert [e["said"] for e in draft["examples"]] == [None, None]
    assert not [f for f in draft["faults"] if "样例" in f["message"]]

    # A check that is loosened by mistake: said at its line while one types, and nothing is published.
    loose = draft["text"].replace("<= 4", "<= 40")
    looked = await ok(await call(api, "POST", "form-drafts/kept/look", text=loose))
    line = loose[: loose.index("id: short")].count("\n") + 1
    assert [(f["line"], f["message"]) for f in looked["faults"]] == [
        (line, "样例“名称太长”应当被“short”拦下，却通过了")
    ]
    draft = await saved(api, draft, loose)
    answer = await call(api, "POST", "form-drafts/kept/proposal", AUTHOR, draft["etag"])
    told = await refused(answer, 422, "invalid")
    assert "有 1 个样例与表单不符，不能发布" in told["detail"]
    # Unless the example is changed, too; a proposal is given up by a change of an example.
    draft = await ok(await call(api, "DELETE", f"{path}/1", AUTHOR, draft["etag"]))
    proposed = await ok(await call(api, "POST", "form-drafts/kept/proposal", AUTHOR, draft["etag"]))
    changed = await ok(await call(api, "PUT", f"{path}/0", OTHER, proposed["etag"], name="通过"))
    assert changed["proposal"] is None
    proposed = await ok(await call(api, "POST", "form-drafts/kept/proposal", OTHER, changed["etag"]))
    # Whoever changed an example is an author.
    publish = "form-drafts/kept/publish"
    await refused(await call(api, "POST", publish, OTHER, proposed["etag"]), 409, "second_person")
    await ok(await call(api, "POST", publish, AUTHOR, proposed["etag"]), 201)
    after = await begun(api, "kept", based_on=1)
    assert [(e["name"], e["said"]) for e in after["examples"]] == [("通过", None)]
    async with sessions() as session:
        query = select(Audit.action).where(Audit.details["form"].astext == "kept").order_by(Audit.id)
        acts = [a for a in await session.scalars(query) if "example" in a]
    assert acts == [*["add_form_example"] * 2, "change_form_example", "remove_form_example", "change_form_example"]


async def test_bad_examples_are_told_and_make_nothing_fail(api: Api) -> None:
    draft = await begun(api, "bad_examples", label="坏样例")
    path = "form-drafts/bad_examples/examples"
    await refused(await call(api, "POST", path, AUTHOR, draft["etag"], name=" "), 422, "invalid")
    draft = await ok(await call(api, "POST", path, AUTHOR, draft["etag"], name="甲"), 201)
    await refused(await call(api, "POST", path, AUTHOR, draft["etag"], name="甲"), 422, "invalid")
    await refused(await call(api, "POST", path, AUTHOR, "1", name="乙"), 412, "stale")
    await refused(await call(api, "PUT", f"{path}/7", AUTHOR, draft["etag"], name="乙"), 404, "not_found")
    await refused(await call(api, "DELETE", f"{path}/7", AUTHOR, draft["etag"]), 404, "not_found")
    names = "abcdefghi"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in pairwise(names)
    )
    for text, said in (
        (bomb, "展开后过大"),
        ("- 一列", "应按材料写"),
        ("project: 甲", "应按材料写"),
        ("nothing: {a: 1}", "表单里没有材料“nothing”"),
        ("project: {name: [1, 2], district: {a: 1}}", "应当通过，却不能提交"),
        ("project: {name: <script>alert(1)</script>, district: 1.5}", None),
        ("project: {name: " + "甲" * 90 + "}", "最多 60 字"),
        ("a: [", "YAML"),
    ):
        draft = await ok(await call(api, "PUT", f"{path}/0", AUTHOR, draft["etag"], name="甲", text=text))
        found = draft["examples"][0]["said"]
        assert found is None if said is None else said in found, (text[:30], found)


async def test_an_example_of_a_real_application_names_nobody(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    async with sessions() as session:
        application = await session.get(Application, UUID(submitted))
    assert application is not None
    draft = await begun(api, application.fund_type, based_on=application.form_version)
    path = f"form-drafts/{application.fund_type}/examples"
    given = {"name": "真实的一份", "number": application.number}
    # Whoever may not read applications makes none of them; a number that is none is none.
    await refused(await call(api, "POST", path, AUTHOR, draft["etag"], **given), 403, "not_allowed")
    both = AUTHOR.model_copy(update={"roles": AUTHOR.roles | {Role.REVIEWER}})
    await refused(await call(api, "POST", path, both, draft["etag"], name="无", number="无"), 404, "not_found")
    made = await ok(await call(api, "POST", path, both, draft["etag"], **given), 201)
    text = made["examples"][0]["text"]
    for secret in (application.project_name, application.enterprise_name, "sealed"):
        assert secret not in text, secret
    async with sessions() as session:
        query = select(Audit).where(Audit.action == "example_of_application")
        assert [row.application_id for row in await session.scalars(query)] == [UUID(submitted)]
    await ok(await call(api, "DELETE", f"form-drafts/{application.fund_type}", both, made["etag"]))


async def test_a_draft_with_faults_is_kept_and_not_published(api: Api) -> None:
    draft = await begun(api, "faulty", label="有错")
    wrong = draft["text"].replace("kind: text, label: 所属区", "kind: tekst, label: 所属区")
    looked = await ok(await call(api, "POST", "form-drafts/faulty/look", text=wrong))
    assert [(f["line"], f["severity"]) for f in looked["faults"]] == [(17, "error")]
    kept = await saved(api, draft, wrong)
    assert (kept["text"], kept["publishable"]) == (wrong, False)
    told = await refused(
        await call(api, "POST", "form-drafts/faulty/proposal", AUTHOR, kept["etag"]), 422, "invalid"
    )
    assert told["errors"][0]["field"] == "line.17"
    await refused(await call(api, "GET", "form-drafts/faulty/preview"), 409, "bad_form")
    # A type of another name, and a number that is not the next.
    for change, said in (
        (draft["text"].replace("fund_type: faulty", "fund_type: other"), "fund_type 应为 faulty"),
        (draft["text"].replace("version: 1", "version: 5"), "下一版应是 version: 1"),
    ):
        kept = await saved(api, kept, change)
        answer = await call(api, "POST", "form-drafts/faulty/proposal", AUTHOR, kept["etag"])
        assert said in (await refused(answer, 422, "invalid"))["detail"]


async def test_bad_input_is_told_at_its_place_and_keeps_no_process_busy(api: Api) -> None:
    draft = await begun(api, "bad_input", label="坏输入")
    names = "abcdefghi"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in pairwise(names)
    )
    many = "".join(f"      - {{key: f{n}, kind: text, label: 名{n}}}\n" for n in range(3000))
    fields = draft["text"]
    for text, said in (
        (bomb, "展开后过大"),
        ("a: &x [*x]\n", "引用了它自己"),
        ("a: " + "[" * 3000, "不是正确的 YAML"),
        (fields + many, "最多 400 项"),
        (fields.replace("max: 60", 'max: 60, visible_if: filled(district)').replace("max: 20", "max: 20, visible_if: filled(name)"), "绕成了一圈"),
        (fields.replace("key: district", "key: name"), "name"),
        ("- 一列\n", "表单应是一组"),
        ("x" * 200, "表单应是一组"),
    ):  # fmt: skip
        looked = await ok(await call(api, "POST", "form-drafts/bad_input/look", text=text))
        assert any(said in f["message"] for f in looked["faults"]), (said, looked["faults"][:3])
    backtracking = fields.replace("max: 60", "pattern: '(a+)+$', example: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")
    assert (await call(api, "POST", "form-drafts/bad_input/look", text=backtracking)).status == 200
    await refused(
        await call(api, "PUT", "form-drafts/bad_input", AUTHOR, "1", text="x" * (MAX_TEXT + 1)), 400, "malformed"
    )
    await refused(
        await call(api, "PUT", "form-drafts/bad_input", AUTHOR, "1", text="a\u0000b"), 400, "bad_character"
    )
    for edit in (
        {"act": "up", "at": ["sections", 0]},
        {"act": "up", "at": ["sections", 7]},
        {"act": "down", "at": ["sections", "x"]},
        {"act": "remove", "at": []},
        {"act": "add", "at": ["sections", 9], "sort": "fields"},
        {"act": "add", "at": [], "sort": "secrets"},
        {"act": "put", "at": ["sections", 0], "values": {"key": "k"}},
        {"act": "put", "at": ["sections", 0], "values": {"label": {"a": 1}}},
    ):
        answer = await call(api, "PUT", "form-drafts/bad_input", AUTHOR, "1", text=fields, edit=edit)
        await refused(answer, 422, "invalid")
    # What a check names cannot be taken away unseen: the fault stands at the check.
    with_check = await saved(api, draft, act="add", at=[], sort="checks")
    gone = await saved(api, with_check, act="remove", at=["sections", 0, "fields", 0])
    assert {"error"} == {f["severity"] for f in gone["faults"]}
    assert not gone["publishable"]
    for path in ("bad_input/1x", "bad_input/9999999", "nothing/1"):
        await refused(await call(api, "GET", f"form-versions/{path}"), 404, "not_found")
    await refused(await call(api, "POST", "form-drafts", fund_type="nothing", based_on=4), 404, "not_found")
    for body in ({"fund_type": "1x"}, {"fund_type": "a" * 41}, {"fund_type": "a/b"}):
        assert (await call(api, "POST", "form-drafts", **body)).status == 400
    for body in ({"fund_type": "reward", "label": "奖励"}, {"fund_type": "unnamed"}):
        await refused(await call(api, "POST", "form-drafts", **body), 422, "invalid")


async def test_two_publications_at_once_are_one(api: Api, sessions: async_sessionmaker[AsyncSession]) -> None:
    draft = await begun(api, "at_once", label="同时")
    draft = await ok(await call(api, "POST", "form-drafts/at_once/proposal", AUTHOR, draft["etag"]))
    third = factories.staff(Role.FORM_EDITOR, "许编制")
    answers = await asyncio.gather(
        *(call(api, "POST", "form-drafts/at_once/publish", who, draft["etag"]) for who in (OTHER, third) * 3)
    )
    assert sorted(a.status for a in answers) == [201, *[404] * 5]
    async with sessions() as session:
        assert len(list(await session.scalars(select(FormVersion).where(FormVersion.fund_type == "at_once")))) == 1


async def test_an_old_proposal_is_not_published(api: Api, sessions: async_sessionmaker[AsyncSession]) -> None:
    """Somebody at the shell has published the same number meanwhile."""
    draft = await begun(api, "overtaken", label="被抢先")
    draft = await ok(await call(api, "POST", "form-drafts/overtaken/proposal", AUTHOR, draft["etag"]))
    said = draft["text"] + "# 别处\n"
    async with sessions.begin() as session:
        session.add(
            FormVersion(
                fund_type="overtaken", version=1, text=said, sha256=digest_of(said),
                proposed_by="a", proposed_by_name="甲", published_by="b", published_by_name="乙",
            )
        )  # fmt: skip
    told = await refused(
        await call(api, "POST", "form-drafts/overtaken/publish", OTHER, draft["etag"]), 422, "invalid"
    )
    assert "已经发布，不能再改；请把 version 加 1" in told["detail"]
    # The draft is there still, and goes on as the next one.
    draft = await saved(api, draft, draft["text"].replace("version: 1", "version: 2"))
    draft = await ok(await call(api, "POST", "form-drafts/overtaken/proposal", AUTHOR, draft["etag"]))
    assert (await call(api, "POST", "form-drafts/overtaken/publish", OTHER, draft["etag"])).status == 201


async def test_a_retired_version_is_for_no_new_round(api: Api) -> None:
    await published(api, "retired")
    body = {
        "fund_type": "retired", "form_version": 1, "title": "批次", "opens_at": "2026-01-01T00:00:00Z",
        "closes_at": "2099-01-01T00:00:00Z", "publish": False,
    }  # fmt: skip
    before = await ok(await api.call("POST", "/api/v1/rounds", OFFICER, json=body), 201)
    path = "form-versions/retired/1/retirement"
    await refused(await call(api, "POST", path), 422, "invalid")
    gone = await ok(await call(api, "POST", path, note="有更新的版本"))
    assert (gone["version"]["retired"]["reason"], gone["version"]["rounds"]) == ("有更新的版本", ["批次"])
    await refused(await call(api, "POST", path, note="再次"), 409, "form_retired")
    listed = await ok(await api.call("GET", "/api/v1/forms", OFFICER))
    assert [f["retired"] for f in listed if f["fund_type"] == "retired"] == [True]
    told = await refused(await api.call("POST", "/api/v1/rounds", OFFICER, json=body), 422, "invalid")
    assert told["errors"][0]["field"] == "form_version"
    # Nor is one opened that was prepared before; what was filled in by it goes on being read.
    director = factories.staff(Role.DIRECTOR, "郑审定")
    opened = await api.call("POST", f"/api/v1/rounds/{before['id']}/publish", director, json={})
    await refused(opened, 422, "invalid")
    assert (await api.call("GET", "/api/v1/forms/retired/1", OFFICER)).status == 200
    await ok(await call(api, "DELETE", path))
    await refused(await call(api, "DELETE", path), 409, "conflict")
    await ok(await api.call("POST", f"/api/v1/rounds/{before['id']}/publish", director, json={}))


async def test_an_application_without_a_name_of_its_own_goes_by_its_forms_label(api: Api) -> None:
    draft = await begun(api, "nameless", label="展会补贴")
    text = draft["text"].replace("project_name: project.name\n", "").replace("label: 项目名称", "label: 展位号")
    draft = await saved(api, draft, text)
    assert draft["publishable"], draft["faults"]
    draft = await ok(await call(api, "POST", "form-drafts/nameless/proposal", AUTHOR, draft["etag"]))
    await ok(await call(api, "POST", "form-drafts/nameless/publish", OTHER, draft["etag"]), 201)
    body = {
        "fund_type": "nameless", "form_version": 1, "title": "展会批次", "opens_at": "2026-01-01T00:00:00Z",
        "closes_at": "2099-01-01T00:00:00Z", "publish": False,
    }  # fmt: skip
    made = await ok(await api.call("POST", "/api/v1/rounds", OFFICER, json=body), 201)
    director = factories.staff(Role.DIRECTOR, "郑审定")
    await ok(await api.call("POST", f"/api/v1/rounds/{made['id']}/publish", director, json={}))
    who = factories.applicant()
    begun_ = await api.create(who, made["id"])
    assert begun_["project_name"] == "展会补贴"
    values = {"name": "A12", "district": "朝阳区"}
    path = f"/api/v1/applications/{begun_['id']}/sections/project/draft"
    await ok(await api.call("PUT", path, who, json={"values": values}, headers={"If-Match": '"1"'}))
    await api.save(who, begun_["id"], "project", values)
    done = await ok(await api.submit(who, begun_["id"]))
    assert done["application"]["project_name"] == "展会补贴"
    case = await ok(await api.call("GET", f"/api/v1/applications/{begun_['id']}", factories.staff(Role.REVIEWER)))
    assert case["project_name"] == "展会补贴"


async def test_versions_are_compared_in_words(api: Api) -> None:
    shown = await ok(await call(api, "GET", "form-versions/reward/2"))
    assert (shown["against"], shown["others"], shown["version"]["office"]) == (1, [1], False)
    assert shown["version"]["sha256"] == digest_of((FOLDER / "reward" / "2.yaml").read_text("utf-8"))
    assert len(shown["changes"]) > 10
    back = await ok(await call(api, "GET", "form-versions/reward/1?against=2"))
    assert back["against"] == 2
    assert back["changes"] != shown["changes"]
    await refused(await call(api, "GET", "form-versions/reward/2?against=7"), 404, "not_found")


async def test_a_draft_is_tried_as_an_applicant_meets_it(api: Api) -> None:
    await begun(api, "reward", based_on=2)
    empty = await ok(await call(api, "GET", "form-drafts/reward/preview"))
    assert empty["page"]["section"]["key"] == empty["definition"]["sections"][0]["key"]
    shown = await ok(await call(api, "GET", "form-drafts/reward/preview?section=fund_plan&filled=1"))
    assert (shown["page"]["section"]["key"], shown["definition"]["version"]) == ("fund_plan", 3)
    assert shown["page"]["section"]["saved"]
    await refused(await call(api, "GET", "form-drafts/reward/preview?section=nothing"), 404, "not_found")


async def test_an_office_of_one_publishes_alone(api: Api, sessions: async_sessionmaker[AsyncSession]) -> None:
    draft = await begun(api, "alone", label="一人")
    draft = await ok(await call(api, "POST", "form-drafts/alone/proposal", AUTHOR, draft["etag"]))
    async with sessions.begin() as session:
        made = await publication.publish(
            session, AUTHOR, "alone", draft["etag"], reading.verdict(draft["text"]), by_two=False
        )
    assert (made.proposed_by, made.published_by) == (AUTHOR.account, AUTHOR.account)


async def test_the_shell_publishes_by_the_same_use_case(
    api: Api,
    settings: ApplicationsSettings,
    sessions: async_sessionmaker[AsyncSession],
    tmp_path: Path,
) -> None:
    file = tmp_path / "next.yaml"
    file.write_text(EMPTY.format(fund_type="by_shell", version=1, label="命令行"), "utf-8")
    for by_two, said in ((True, "已提出发布"), (False, "草稿")):
        given = settings.model_copy(update={"forms_by_two": by_two})
        try:
            told = await asyncio.to_thread(office.publish, given, file, read_file(file)[0], "吴运维")
        except Conflict as error:
            told = error.detail
        # The second finds the draft of the first.
        assert said in told
    made = await ok(await call(api, "POST", "form-drafts/by_shell/publish", AUTHOR, "2"), 201)
    assert (made["version"]["proposed_by"], made["version"]["published_by"]) == ("吴运维", "秦编制")
    # Alone, it is published at once, and the digest stands in the audit.
    file.write_text(EMPTY.format(fund_type="by_shell", version=2, label="命令行"), "utf-8")
    alone = settings.model_copy(update={"forms_by_two": False})
    told = await asyncio.to_thread(office.publish, alone, file, read_file(file)[0], "吴运维")
    async with sessions() as session:
        query = select(Audit).where(Audit.action == "publish_form").order_by(Audit.id.desc()).limit(1)
        row = await session.scalar(query)
    assert row is not None
    assert row.details["sha256"] == digest_of(file.read_text("utf-8"))
    assert row.details["sha256"] in told


async def test_what_is_published_is_compared_with_the_audit(
    api: Api, settings: ApplicationsSettings, sessions: async_sessionmaker[AsyncSession]
) -> None:
    """Whoever changes the table and its digest does not change the audit."""
    await published(api, "compared")
    before = {f.found for f in await asyncio.to_thread(lambda: list(preflight._published_forms(settings)))}
    assert not any("compared" in found for found in before)
    said = EMPTY.format(fund_type="slipped_in", version=1, label="未经发布").replace(
        "kind: text", "kind: hologram", 1
    )
    async with sessions.begin() as session:
        session.add(
            FormVersion(
                fund_type="slipped_in", version=1, text=said, sha256=digest_of(said),
                proposed_by="a", proposed_by_name="甲", published_by="b", published_by_name="乙",
            )
        )  # fmt: skip
    found = await asyncio.to_thread(lambda: list(preflight._published_forms(settings)))
    assert [(f.level, "slipped_in/1" in f.found) for f in found] == [(Level.BAD, True), (Level.WARNING, True)]
