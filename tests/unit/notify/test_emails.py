import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify import emails, sender, unsubscribing
from services.notify.channels import Email, Parcel
from services.notify.composing import NoAddress, compose
from services.notify.rules import rules
from services.notify.sender import MemorySender, Never
from services.notify.settings import NotifySettings
from shared import clock
from shared.messages import (
    AnyEvent,
    ApplicationAccepted,
    ApplicationDecided,
    CorrectionDue,
    CorrectionExtended,
    CorrectionMissed,
    OtherDraft,
    Person,
    PublicityAnnounced,
    PublicityBegun,
    PublicityLeft,
    PublicityOver,
    ReturnRecalled,
    ReturnUnseen,
    RoundClosing,
    RoundExtended,
    StaffAddressCheck,
    StaffNews,
)
from tests import factories

TEMPLATES = Path(emails.__file__).with_name("templates")


def test_return_names_everything_a_person_needs() -> None:
    event = factories.returned_event()
    mail = emails.render(event, "https://gm.example.cn/")
    for text in (mail.text, mail.html):
        assert "李响" in text
        assert "景泰蓝国礼" in text
        assert "保护发展资金使用规划 · 开户银行" in text
        assert "请填写开户行全称" in text
        assert f"https://gm.example.cn/applications/{event.application_id}/opinions" in text
        assert "010-55521190" in text
    assert mail.subject.startswith("【工美资金】“景泰蓝国礼”已退回补正，请于 ")
    # What a reviewer typed is text, never markup.
    assert "请核对 <联系方式>" in mail.text
    assert "请核对 &lt;联系方式&gt;" in mail.html


def test_deadline_is_shown_in_beijing_time() -> None:
    event = factories.returned_event(correct_by="2026-11-30T10:00:00Z")
    assert "2026-11-30 18:00:00（北京时间）" in emails.render(event, "https://gm.example.cn").text


def test_every_kind_of_event_has_its_mail_and_every_template_its_event() -> None:
    folders = {folder.name for folder in TEMPLATES.iterdir() if folder.is_dir()}
    assert folders == set(emails.EMAILS) == set(rules()) == set(KINDS)
    assert "第 1 版" in emails.render(factories.received_event(), "https://gm.example.cn").text


BASE = factories.returned_event().model_dump(exclude={"kind", "opinions"})
PLAIN = {name: value for name, value in BASE.items() if name != "correct_by"}
AT = clock.now()
STAFF = {**{name: BASE[name] for name in ("event_id", "occurred_at", "to")}, "account": "a"}
EVENTS: list[AnyEvent] = [
    factories.received_event(),
    factories.returned_event(),
    ApplicationAccepted(**PLAIN),
    ReturnRecalled(**PLAIN),
    CorrectionExtended(**BASE, reason="材料仍在办理"),
    CorrectionDue(**BASE, days=3),
    CorrectionMissed(**BASE),
    ReturnUnseen(**BASE, returned_at=AT),
    PublicityBegun(**PLAIN, amount_wan="20.00", until="2026-12-01T16:00:00Z"),
    PublicityAnnounced(
        **PLAIN,
        announcement_id=PLAIN["application_id"],
        title="关于拟支持项目的公示",
        reference="京工美公示〔2026〕1号",
        until="2026-12-01T16:00:00Z",
        projects=[
            {"project_name": "景泰蓝<国礼>", "number": "BL-1", "amount_wan": "1200.00"},
            {"project_name": "花丝镶嵌", "number": "BL-2", "amount_wan": "8.50"},
        ],
    ),
    PublicityLeft(**PLAIN, reason="金额须<重新>核定"),
    PublicityOver(**PLAIN, until="2026-12-01T16:00:00Z"),
    ApplicationDecided(**PLAIN, approved=True, amount_wan="20.00", reason=None),
    ApplicationDecided(**PLAIN, approved=False, amount_wan=None, reason="<重复申报>"),
    RoundClosing(**PLAIN, round_title="第一批", closes_at=AT, hours=72),
    RoundClosing(
        **{**PLAIN, "project_name": "", "number": ""},
        round_title="第一批",
        closes_at=AT,
        hours=3,
        missing=["企业<基本>情况：未填写", "诚信承诺：1 处缺填或有误"],
        others=[
            OtherDraft(
                application_id=PLAIN["application_id"], project_name="京绣<屏风>", missing=["项目联系人：未填写"]
            )
        ],
    ),
    RoundExtended(**PLAIN, round_title="第<一>批", until=AT, begins=True, reason="<20 时>起拥堵"),
    RoundExtended(**PLAIN, round_title="第<一>批", until=AT, begins=False, reason="拥堵"),
    StaffNews(
        **STAFF, digest=True, items=[{"label": "分配给我办理", "title": "景泰蓝<国礼>", "number": "BL-1"}], more=3
    ),
    StaffNews(
        **STAFF,
        digest=False,
        items=[{"label": "延期、补时待复核", "title": "第<一>批：补时", "number": ""}],
        more=0,
    ),
    StaffAddressCheck(**STAFF, code="012345", expires_at=AT),
]
KINDS = {event.kind for event in EVENTS}


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.kind)
def test_every_mail_reads_well_in_plain_text(event: AnyEvent) -> None:
    mail = emails.render(event, "https://gm.example.cn")
    assert mail.subject.startswith("【工美资金】")
    assert "\n" not in mail.subject
    assert mail.text.startswith("李响，您好：\n\n")
    assert "https://gm.example.cn/" in mail.text
    assert not re.search(r"</?[a-z]+>|&[a-z]+;|{{|{%", mail.text)
    assert "\n\n\n" not in mail.text
    assert "None" not in mail.text + mail.html
    # Where to go and whom to call stand apart from what is said.
    *_, link, contacts = mail.text.split("\n\n")
    assert link.splitlines()[-1].startswith("https://gm.example.cn/")
    assert contacts.splitlines()[-1].startswith("本邮件由")
    # In the portal the same is no mail.
    inside = emails.render(event, "https://gm.example.cn", mailed=False)
    assert "本邮件" not in inside.text
    assert mail.text.startswith(inside.text)


def test_amounts_reasons_and_days_are_told() -> None:
    def text(kind: type[Any], **facts: Any) -> str:
        return next(
            emails.render(e, "https://g.cn").text
            for e in EVENTS
            if isinstance(e, kind) and all(getattr(e, k) == v for k, v in facts.items())
        )

    assert "支持金额 20.00 万元" in text(ApplicationDecided, approved=True)
    assert "理由：<重复申报>" in text(ApplicationDecided, approved=False)
    assert "公示期至 2026-12-01" in text(PublicityBegun)
    announced = text(PublicityAnnounced)
    assert "关于拟支持项目的公示（京工美公示〔2026〕1号）" in announced
    assert (
        "1. “景泰蓝<国礼>”（编号 BL-1），拟支持金额 1,200.00 万元\n2. “花丝镶嵌”（编号 BL-2），拟支持金额 8.50 万元"
        in announced
    )
    assert f"https://g.cn/publicity/{PLAIN['application_id']}" in announced
    assert "已撤出公示。理由：金额须<重新>核定" in text(PublicityLeft)
    assert "还有 3 天" in text(RoundClosing, hours=72)
    assert "“未命名项目（奖励类）”尚未提交" in text(RoundClosing, hours=3)
    extended = text(RoundExtended, begins=False)
    assert f"“第<一>批”为贵单位补时至 {clock.show(AT)}（北京时间）" in extended
    assert "申报截止后不能新增项目" in extended
    assert "不能新增" not in text(RoundExtended, begins=True)


def _settings() -> NotifySettings:
    return NotifySettings(
        database_url="postgresql+psycopg://x", broker_url="redis://x", applications_url="http://x",
        public_url="https://gm.example.cn", smtp_url="smtp://x", mail_from="noreply@example.com",
        signing_key=b"k" * 32, trusted_keys=factories.trusted_keys(),
    )  # fmt: skip


def test_only_reminders_can_be_unsubscribed_from() -> None:
    kept = MemorySender([])
    channel = Email(kept, _settings())
    for event in EVENTS:
        channel.carry(Parcel(event, event.to, "<1@example.com>"))
    messages = [message_from_bytes(mail.content) for mail in kept.mails]
    with_header = {e.kind for e, m in zip(EVENTS, messages, strict=True) if m["List-Unsubscribe"]}
    assert with_header == {kind for kind, rule in rules().items() if rule.reminder}
    assert with_header == {"correction_due", "return_unseen", "round_closing"}
    reminder = next(m for m in messages if m["List-Unsubscribe"])
    assert reminder["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = reminder["List-Unsubscribe"].strip("<>").removeprefix("https://gm.example.cn/unsubscribe/")
    assert unsubscribing.address_of(unsubscribing.key_of(b"k" * 32), token) == "lixiang@example.com"


def _composed(**changes: Any) -> EmailMessage:
    """A mail as the server gets it, read by the standard library."""
    given: dict[str, Any] = {
        "sender": "工美资金管理系统 <noreply@example.com>",
        "name": "李响",
        "address": "lixiang@example.com",
        "subject": "s",
        "text": "t",
        "html": "h",
        "message_id": "<1@example.com>",
        **changes,
    }
    message = message_from_bytes(compose(**given).content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def _shown(message: EmailMessage, header: str) -> str:
    """A header as a mail program shows it (the newer parser keeps the spaces between encoded words in names)."""
    [raw] = [value for name, value in message.raw_items() if name == header]
    return str(make_header(decode_header(raw)))


def test_project_name_cannot_break_the_subject() -> None:
    mail = emails.render(factories.received_event(project_name="景泰蓝\r\nBcc: x@example.com"), "https://g.cn")
    message = _composed(name="李响\r\nBcc: y@example.com", subject=mail.subject, text=mail.text, html=mail.html)
    assert message["Bcc"] is None
    assert b"\nBcc:" not in message.as_bytes()
    assert _shown(message, "To") == "李响 Bcc: y@example.com <lixiang@example.com>"


# What a database keeps: neither NUL nor half a character.
TYPED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200)


@given(subject=TYPED, name=TYPED, text=TYPED, html=TYPED)
@settings(max_examples=150)
def test_every_mail_program_reads_what_was_written(subject: str, name: str, text: str, html: str) -> None:
    message = _composed(subject=subject, name=name, text=text, html=html)
    # A header is one line, with one space for many.
    assert message["Subject"] == " ".join(subject.split())
    assert [a.addr_spec for a in message["To"].addresses] == ["lixiang@example.com"]
    line = " ".join(name.split())
    assert _shown(message, "To") == (f"{line} <lixiang@example.com>" if line else "lixiang@example.com")
    assert _shown(message, "From") == "工美资金管理系统 <noreply@example.com>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    for part, written in zip(message.iter_parts(), (text, html), strict=True):
        assert part.get_content().replace("\r\n", "\n") == written.replace("\r\n", "\n")
    content = compose(
        sender="noreply@example.com", name=name, address="lixiang@example.com", subject=subject, text=text,
        html=html, message_id="<1@example.com>",
    ).content  # fmt: skip
    lines = content.split(b"\r\n")
    assert max(len(line) for line in lines) <= 76
    assert not any(b"\r" in line or b"\n" in line for line in lines)


@pytest.mark.parametrize(
    "address", ["", "nobody", "a b@example.com\r\nBcc: x@y.cn", "李响@example.com", "李响@例子.cn"]
)
def test_what_is_no_address_is_never_tried(address: str) -> None:
    with pytest.raises(NoAddress):
        _composed(address=address)
    kept = MemorySender([])
    event = factories.returned_event(to=Person(name="李响", email=address, enterprise="1"))
    with pytest.raises(Never, match="不是邮箱地址"):
        Email(kept, _settings()).carry(Parcel(event, event.to, "<1@example.com>"))
    assert kept.mails == []


def test_codes_decide_whether_to_try_again() -> None:
    assert isinstance(sender._verdict(451, b"later"), sender.NotNow)
    assert isinstance(sender._verdict(550, b"no such user"), sender.Never)


def test_the_last_day_lists_what_is_missing() -> None:
    texts = [
        emails.render(event, "https://gm.example.cn/").text for event in EVENTS if isinstance(event, RoundClosing)
    ]
    assert "目前还缺" not in texts[0]
    assert (
        "目前还缺：\n- 企业<基本>情况：未填写\n- 诚信承诺：1 处缺填或有误\n\n贵单位在本批次中尚未提交的其他项目：\n"
        in texts[1]
    )
    assert "- 京绣<屏风>（还缺：项目联系人：未填写）\n\n保存不等于提交" in texts[1]
