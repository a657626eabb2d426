from pathlib import Path

import pytest

from services.notify import emails, sender
from services.notify.sender import Never, compose
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
    assert folders == set(emails.EMAILS) == {"submission_received", "application_returned"}
    assert "第 1 版" in emails.render(factories.received_event(), "https://gm.example.cn").text


def test_project_name_cannot_break_the_subject() -> None:
    mail = emails.render(factories.received_event(project_name="景泰蓝\r\nBcc: x@example.com"), "https://g.cn")
    message = compose(
        sender="工美资金管理系统 <noreply@example.com>",
        name="李响\r\nBcc: y@example.com",
        address="lixiang@example.com",
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        message_id="<1@example.com>",
    )
    assert message["Bcc"] is None
    assert b"\nBcc:" not in message.as_bytes()


@pytest.mark.parametrize("address", ["", "nobody", "a b@example.com\r\nBcc: x@y.cn"])
def test_what_is_no_address_is_never_tried(address: str) -> None:
    with pytest.raises(Never):
        compose(
            sender="noreply@example.com",
            name="",
            address=address,
            subject="",
            text="",
            html="",
            message_id="<1@x>",
        )


def test_codes_decide_whether_to_try_again() -> None:
    assert isinstance(sender._verdict(451, b"later"), sender.NotNow)
    assert isinstance(sender._verdict(550, b"no such user"), sender.Never)
