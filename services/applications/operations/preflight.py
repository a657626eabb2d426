"""Check whether submissions will be kept: the database, the store, the broker, what waits, and the last backup."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from services.applications.forms.authoring.lint import lint_text
from services.applications.forms.authoring.publishing import digest_of
from services.applications.operations.metrics import newest_backup
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import SCHEMA, Audit, Owed, Round
from services.applications.tables.forms import FormVersion
from shared import clock
from shared.database import RELEASE_FREEZE, engine
from shared.preflight import Finding, bad, broker, database, good, look, store, warning
from shared.preflight.four_eyes import four_eyes
from shared.preflight.machine import tokens

MIGRATIONS = Path(__file__).parents[1] / "migrations"
OLD_BACKUP, VERY_OLD_BACKUP = timedelta(hours=26), timedelta(days=3)
LONG_OWED = 600
FORMS = "本单位发布的表单"


def findings(settings: ApplicationsSettings) -> list[Finding]:
    return [
        *look("数据库", lambda: database.findings(settings, MIGRATIONS, SCHEMA)),
        *look(broker.WHAT, lambda: broker.findings(settings.broker_url.get_secret_value())),
        *look(store.WHAT, lambda: store.findings(settings.store_url)),
        *look(FORMS, lambda: _published_forms(settings)),
        *look("待办任务", lambda: _owed(settings)),
        *look("临近截止", lambda: _closing(settings)),
        *look("备份", lambda: backups(settings.backup_folder)),
        *look("备份加密", lambda: backup_key(settings.backup_key)),
        *four_eyes(
            {
                "GM_PUBLICITY_BY_LIST": settings.publicity_by_list,
                "GM_ROUNDS_BY_TWO": settings.rounds_by_two,
                "GM_FORMS_BY_TWO": settings.forms_by_two,
                "GM_EXTENSIONS_BY_TWO": settings.extensions_by_two,
            }
        ),
        *tokens(unbound=settings.accept_unbound_tokens),
    ]


def _published_forms(settings: ApplicationsSettings) -> Iterator[Finding]:
    """Tell whether every form that was published here is what the audit says was published, and can be used by this release."""
    own = engine(settings)
    try:
        with own.connect() as connection:
            rows = list(connection.execute(select(FormVersion.fund_type, FormVersion.version, FormVersion.text)))
            said = select(Audit.details).where(Audit.action == "publish_form")
            audited = {(d["form"], d["version"]): d["sha256"] for (d,) in connection.execute(said)}
    finally:
        own.dispose()
    changed = [f"{name}/{n}" for name, n, text in rows if audited.get((name, n)) != digest_of(text)]
    unusable = [f"{name}/{n}" for name, n, text in rows if any(f.severity == "error" for f in lint_text(text))]
    if changed:
        yield bad(
            FORMS, f"{'、'.join(changed)} 与审计记录中发布时的指纹不符", "数据库被改动过：从备份核对，恢复原样"
        )
    if unusable:
        yield warning(
            FORMS, f"{'、'.join(unusable)} 在本系统的现行版本中不能使用", "升级到发布时的版本；其他表单不受影响"
        )
    if not changed and not unusable:
        yield good(FORMS, f"{len(rows)} 版，均与发布时一样")


def _closing(settings: ApplicationsSettings) -> Iterator[Finding]:
    """Warn where a round closes so soon that no schema changes any more (`shared.database.migrate`)."""
    own = engine(settings)
    soon = Round.closes_at.between(func.now(), func.now() + RELEASE_FREEZE)
    try:
        with own.connect() as connection:
            found = connection.execute(
                select(Round.title, Round.closes_at).where(soon).order_by(Round.closes_at)
            ).first()
    finally:
        own.dispose()
    if found is None:
        yield good("临近截止", "24 小时内没有批次截止")
    else:
        at = found.closes_at.astimezone(clock.SHANGHAI)
        yield warning(
            "临近截止",
            f"批次“{found.title}”将于 {at:%Y-%m-%d %H:%M} 截止",
            "截止之前不升级、不改设置；数据库结构的变更会被拒绝",
        )


def _owed(settings: ApplicationsSettings) -> Iterator[Finding]:
    own = engine(settings)
    is_open = Owed.done_at.is_(None) & Owed.parked_at.is_(None)
    try:
        with own.connect() as connection:
            count, age, parked = connection.execute(
                select(
                    func.count().filter(is_open),
                    func.coalesce(
                        func.extract("epoch", func.now() - func.min(Owed.created_at).filter(is_open)), 0
                    ),
                    func.count().filter(Owed.parked_at.is_not(None) & Owed.done_at.is_(None)),
                )
            ).one()
    finally:
        own.dispose()
    found = f"待处理 {count} 件，最久 {float(age):.0f} 秒"
    if float(age) > LONG_OWED:
        yield bad("待办任务", found, "检查 relay、documents、notify-worker 是否在运行")
    else:
        yield good("待办任务", found)
    if parked:
        yield bad("失败待处理的任务", f"{parked} 件", "在运维页面查看原因，处理后重新排队")
    else:
        yield good("失败待处理的任务", "没有")


def backup_key(key: str) -> Iterator[Finding]:
    """Tell whether backups are encrypted."""
    if key.strip():
        yield good("备份加密", "已设置 GM_BACKUP_KEY")
    else:
        advice = "执行 python -m deploy.backup key，公钥写入 GM_BACKUP_KEY，私钥另行保管"
        yield warning("备份加密", "没有设置 GM_BACKUP_KEY，备份未加密", advice)


def backups(folder: str) -> Iterator[Finding]:
    """Yield the age of the newest backup that `python -m deploy.backup create` finished in `folder`."""
    what, command = "备份", "python -m deploy.backup create"
    if not folder:
        yield warning(what, "没有设置 GM_BACKUP_FOLDER，无法核对", f"设置备份目录并定时执行 {command}")
        return
    ended = newest_backup(Path(folder))
    if ended is None:
        yield bad(what, f"{folder} 中没有备份", f"执行 {command}")
        return
    age = clock.now() - ended
    found = f"最近一次完成于 {clock.show(ended)}"
    if age > VERY_OLD_BACKUP:
        yield bad(what, found, f"立即执行 {command}")
    elif age > OLD_BACKUP:
        yield warning(what, found, f"超过一天，截止之夜前请执行 {command}")
    else:
        yield good(what, found)
