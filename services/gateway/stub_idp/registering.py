"""Register a legal person's account (法人账号注册): 法人身份鉴证 against the registry, then 创建账号; what is refused, and why."""

import hmac
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.stub_idp import mails, passwords
from services.gateway.stub_idp.forms import Scan, WrongScan, checked
from services.gateway.stub_idp.models import StubAccount, StubRegistration, StubRegistryEntry, StubReview
from services.gateway.stub_idp.people import subject_of, tokeninfo
from shared import clock
from shared.text import identifiers
from shared.workdays import WorkingDays

LASTS = timedelta(minutes=30)
RESIDENT, OTHER = "resident_id", "other"
DOCUMENTS = {RESIDENT: "中国居民身份证", OTHER: "护照或其它有效身份证件"}
REVIEW_WORKING_DAYS = 2
CAPTCHA = "验证码错误，请重新输入"


class Faults(Exception):
    """What is wrong with a form, by the name of its field."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(str(errors))


def _check(
    form: Mapping[str, str], errors: dict[str, str], name: str, label: str, parse: Callable[[str], str]
) -> str:
    text = form.get(name, "").strip()
    if not text:
        errors[name] = f"请填写{label}"
        return ""
    try:
        return parse(text)
    except ValueError as error:
        errors[name] = str(error)
        return ""


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 2 <= len(name) <= 100 or not name.isprintable():
        raise ValueError("应为 2 至 100 个字")
    return name


def _same(left: str, right: str) -> bool:
    return identifiers.plain(left).casefold() == identifiers.plain(right).casefold()


async def identify(
    session: AsyncSession, browser: str, form: Mapping[str, str], file: bytes, *, human: bool
) -> StubRegistration:
    """Step 1, 法人身份鉴证. `Faults` by field; a name, code and legal person must be those of the registry, which is
    asked for nobody whose captcha was wrong (not `human`)."""
    errors: dict[str, str] = (
        {} if human else {"captcha": CAPTCHA if form.get("captcha", "").strip() else "请填写验证码"}
    )
    document = form.get("document", "")
    if document not in DOCUMENTS:
        errors["document"] = "请选择法定代表人证件类型"
    org_name = _check(form, errors, "org_name", "企业名称", _name)
    uscc = _check(form, errors, "uscc", "统一社会信用代码", identifiers.uscc)
    legal_name = _check(form, errors, "legal_name", "法定代表人姓名", _name)
    parse = identifiers.passport_or_other if document == OTHER else identifiers.resident_id
    number = _check(form, errors, "document_number", "法定代表人证件号码", parse)
    scan: Scan | None = None
    if document == OTHER:
        try:
            scan = checked(file) if file else None
            if scan is None:
                errors["scan"] = "请上传证件的扫描件"
        except WrongScan as wrong:
            errors["scan"] = str(wrong)
    if not errors:
        entry = await session.get(StubRegistryEntry, uscc)
        if entry is None:
            errors["uscc"] = "法人库中没有该统一社会信用代码，请核对"
        elif not _same(entry.attributes["ORG_NAME"], org_name):
            errors["org_name"] = "与法人库登记的企业名称不一致，请核对"
        elif not _same(entry.attributes["LEGAL_PERSON"], legal_name):
            errors["legal_name"] = "与法人库登记的法定代表人不一致，请核对"
    if errors:
        raise Faults(errors)
    await session.execute(delete(StubRegistration).where(StubRegistration.expires_at < func.now()))
    found = StubRegistration(
        id=uuid4(),
        browser_sha256=browser,
        uscc=uscc,
        org_name=org_name,
        document=document,
        legal_name=legal_name,
        document_number=number,
        scan=scan.content if scan else None,
        scan_type=scan.media_type if scan else None,
        expires_at=clock.now() + LASTS,
    )
    session.add(found)
    return found


async def open_registration(session: AsyncSession, browser: str, id: str) -> StubRegistration | None:
    """Step 1's result, for the browser that made it."""
    try:
        key = UUID(id)
    except ValueError:
        return None
    return await session.scalar(
        select(StubRegistration).where(
            StubRegistration.id == key,
            StubRegistration.browser_sha256 == browser,
            StubRegistration.expires_at > func.now(),
        )
    )


async def create_account(
    session: AsyncSession,
    calendar: WorkingDays,
    pepper: bytes,
    registration: StubRegistration,
    form: Mapping[str, str],
) -> StubAccount:
    """Step 2, 创建账号. `Faults` by field; one account per enterprise and handler (办事人)."""
    errors: dict[str, str] = {}
    name = _check(form, errors, "name", "办事人姓名", _name)
    handler = _check(form, errors, "handler_id", "办事人身份证号", identifiers.resident_id)
    mobile = _check(form, errors, "mobile", "手机号码", identifiers.mobile)
    email = _check(form, errors, "email", "电子邮箱", identifiers.email)
    username = form.get("username", "").strip()
    if not username:
        errors["username"] = "请填写用户名"
    elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{3,31}", username):
        errors["username"] = "应为 4 至 32 位字母、数字或下划线，以字母开头"
    password = form.get("password", "")
    if wrong := passwords.fault(password, username) if password else "请填写密码":
        errors["password"] = wrong
    elif password != form.get("again", ""):
        errors["again"] = "两次输入的密码不一致"
    digest = hmac.digest(pepper, handler.encode(), "sha256").hex()
    if not errors:
        if await session.get(StubAccount, username) is not None:
            errors["username"] = "用户名已被使用，请更换"
        taken = select(StubAccount.username).where(
            StubAccount.uscc == registration.uscc, StubAccount.handler_digest == digest
        )
        if await session.scalar(taken):
            errors["handler_id"] = "一个办事人在同一个单位下，只能注册一个口令账号"
    if errors:
        raise Faults(errors)
    entry = await session.get_one(StubRegistryEntry, registration.uscc)
    waits = registration.document == OTHER
    account = StubAccount(
        username=username,
        subject=subject_of(username),
        password_hash=await passwords.hashed(password),
        attributes=tokeninfo(subject_of(username), name, entry.attributes, mobile=mobile, email=email),
        uscc=registration.uscc,
        handler_digest=digest,
        email=email,
        status="pending" if waits else "active",
        is_reviewer=False,
    )
    session.add(account)
    try:
        await session.flush()
    except IntegrityError:
        # Two at once: the other was first.
        raise Faults({"handler_id": "该用户名或办事人刚刚完成了注册，请直接登录"}) from None
    if waits:
        _owe_review(session, calendar, registration, account)
    await session.delete(registration)
    return account


def _owe_review(
    session: AsyncSession, calendar: WorkingDays, registration: StubRegistration, account: StubAccount
) -> None:
    due = calendar.after(clock.now(), REVIEW_WORKING_DAYS)
    session.add(
        StubReview(
            id=uuid4(),
            kind="document",
            uscc=registration.uscc,
            username=account.username,
            facts={
                "企业名称": registration.org_name,
                "法定代表人姓名": registration.legal_name,
                "证件号码": registration.document_number,
            },
            scan=registration.scan,
            scan_type=registration.scan_type,
            due_at=due,
        )
    )
    assert account.email
    text = f"您的账号 {account.username} 已提交注册，身份证件预计于 {clock.show_date(due)} 前完成审核。审核通过后方可登录。"
    mails.owe(session, account.email, "注册已提交，等待身份证件审核", text)
