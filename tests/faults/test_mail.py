"""A mail server in a bad mood: every mail arrives, and only where SMTP itself leaves it open does one arrive twice."""

import time

import pytest

from tests.faults.witness import clean, one_mail_each
from tests.system.mail_server import CUT, SILENT, MailServer
from tests.system.running import RunningSystem, create, fill, submit


def _submitted(system: RunningSystem, name: str) -> str:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name=name)
    return str(submit(person, id)["receipt"]["number"])


@pytest.mark.fault("SMTP refuses for now")
def test_server_that_answers_451_twice_gets_each_mail_once(system: RunningSystem, mail_server: MailServer) -> None:
    mail_server.refusals = ["451 4.7.1 try again later", "451 4.7.1 try again later"]
    number = _submitted(system, "邮件服务器暂时拒收")
    clean(system)
    assert mail_server.refusals == []
    assert [m["Subject"] for m in mail_server.messages if number in m["Subject"]] == [
        f"【工美资金】已收到“邮件服务器暂时拒收”的申报，编号 {number}（第 1 版）"
    ]


@pytest.mark.fault("SMTP silent")
def test_silent_server_gets_the_mail_once_and_keeps_nobody(system: RunningSystem, mail_server: MailServer) -> None:
    mail_server.refusals = [SILENT]
    began = time.monotonic()
    silent = _submitted(system, "邮件服务器无应答")
    other = _submitted(system, "另一封邮件")
    until = time.monotonic() + 15
    while not any(other in m["Subject"] for m in mail_server.messages):
        assert time.monotonic() < until, "the other mail waited for the silent one"
        time.sleep(0.1)
    clean(system)
    assert mail_server.refusals == []
    one_mail_each(mail_server, [silent, other])
    assert time.monotonic() - began < 60


@pytest.mark.fault("SMTP cut after DATA")
def test_cut_after_the_mail_was_taken_repeats_it_with_its_message_id(
    system: RunningSystem, mail_server: MailServer
) -> None:
    mail_server.refusals = [CUT]
    number = _submitted(system, "邮件应答中断")
    clean(system)
    assert mail_server.refusals == []
    # The only case in which a mail comes twice; a reader's program can tell.
    one_mail_each(mail_server, [number], copies=(2,))
