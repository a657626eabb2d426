"""Revisions, what changed between them, and the timeline."""

from aiohttp import web

from services.applications import peers, repository, views
from services.applications.api.documents import revision_number
from services.applications.changes import changes
from services.applications.context import CODEC, PEERS, transaction
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.schemas import NoticeView, RevisionSnapshot, Timeline, TimelineEntry
from services.applications.use_cases.filled import load
from services.applications.workflow import EDITABLE, LABELS, State
from shared.errors import Malformed
from shared.web import actor, answer, uuid_in_path

# Audit actions in the office's words.
ACTIONS = {
    "start": "新增项目",
    "prefill": "带出法人库登记信息",
    "rebase": "更新为新版申报表",
    "copy": "复制往年申报",
    "dismiss_left_over": "移除无处填写的内容",
    "save_section": "保存表单",
    "discard_draft": "放弃修改",
    "attach": "上传附件",
    "detach": "删除附件",
    "detach_abandoned": "清理未使用的附件",
    "infected": "附件查出病毒",
    "submit": "提交申请",
    "withdraw": "撤销申请",
    "delete": "删除申请",
    "take_lease": "领取办理",
    "drop_lease": "放弃办理",
    "accept": "纳批",
    "return": "退回补正",
    "see_return": "查看退回意见",
    "answer_opinion": "答复意见",
    "accept_opinion": "采纳答复",
    "raise_opinion": "再次提出意见",
    "recall": "收回退回",
    "lapse": "逾期未补正",
    "extend": "延长补正期限",
    "pass": "通过形式审查",
    "refuse": "不予受理",
    "conclude": "评审汇总",
    "propose": "拟支持",
    "decline": "不予支持",
    "approve": "公示无异议",
}


async def list_revisions(request: web.Request) -> web.Response:
    """Every submitted revision, oldest first."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        return answer([views.revision_view(r) for r in await repository.revisions(session, application.id)])


async def get_revision(request: web.Request) -> web.Response:
    """One snapshot: the content its digests are over."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        found = await repository.revision(session, application.id, revision_number(request))
        form = catalogue_form(application.fund_type, application.form_version)
        codec = request.app[CODEC].of(application.id, application.wrapped_key, form)
        opened = {key: codec.open(key, values) for key, values in found.content["sections"].items()}
        content = {**found.content, "sections": opened}
        return answer(RevisionSnapshot(**views.revision_view(found).model_dump(), content=content))


async def get_changes(request: web.Request) -> web.Response:
    """What changed since an earlier revision (the one before, unless `since` names it)."""
    number = revision_number(request)
    since = request.query.get("since", str(number - 1))
    if not since.isdecimal() or not 0 < int(since[:6]) < number:
        raise Malformed("since 应为更早的版次。", code="bad_since")
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        form = catalogue_form(application.fund_type, application.form_version)
        codec = request.app[CODEC].of(application.id, application.wrapped_key, form)
        both = []
        for n in (int(since), number):
            revision = await repository.revision(session, application.id, n)
            both.append({k: codec.open(k, v) for k, v in revision.content["sections"].items()})
        asked = {o.section for o in await repository.opinions(session, application.id) if o.section}
    return answer(changes(form, both[0], both[1], asked))


async def get_pending_changes(request: web.Request) -> web.Response:
    """What is saved now against the latest submission; empty before the first."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        if not application.revision or application.state not in EDITABLE:
            return answer([])
        form = catalogue_form(application.fund_type, application.form_version)
        codec = request.app[CODEC].of(application.id, application.wrapped_key, form)
        last = await repository.revision(session, application.id, application.revision)
        before = {k: codec.open(k, v) for k, v in last.content["sections"].items()}
        # As a submission would freeze it: nothing hidden, computed values included.
        after = (await load(session, application, form, codec)).effective()
        asked = {o.section for o in await repository.opinions(session, application.id) if o.section}
    return answer(changes(form, before, after, asked))


async def timeline(request: web.Request) -> web.Response:
    """What happened, who, when; notifications with their delivery while notify answers."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        rows = await repository.audit(session, application.id)
    sent = await peers.deliveries(request.app[PEERS], application.id)
    entries = [
        TimelineEntry(
            at=row.at,
            action=row.action,
            label=ACTIONS.get(row.action, row.action),
            actor=row.actor_name,
            from_state=LABELS[State(row.from_state)] if row.from_state else None,
            to_state=LABELS[State(row.to_state)] if row.to_state else None,
            details=row.details,
        )
        for row in rows
    ]
    notices = None
    if sent is not None:
        notices = [NoticeView(kind=d.kind, state=d.state, attempts=d.attempts, sent_at=d.sent_at) for d in sent]
    return answer(Timeline(entries=entries, notifications=notices))
