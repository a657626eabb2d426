"""Give out an application's deadline for a person's own calendar (RFC 5545), with a reminder a day before."""

from datetime import datetime, timedelta

from aiohttp import web
from icalendar import Alarm, Calendar, Event

from services.gateway.web.calls import application
from services.gateway.web.context import SETTINGS
from shared import clock, codes
from shared.contract.sections import ApplicationView
from shared.errors import NotFound

# What a deadline is called, by the state in which it is one.
_CALLED = {"draft": "申报截止", "returned": "补正期限"}


def deadline(found: ApplicationView) -> tuple[str, datetime] | None:
    """Return what an application's next deadline is called, and when it is; None where there is none ahead."""
    at = found.closes_at if found.state == "draft" else found.correct_by
    name = _CALLED.get(found.state)
    return (name, at) if name and at and at > clock.now() else None


async def show(request: web.Request) -> web.Response:
    """The deadline as a file that calendars read."""
    found = await application(request)
    if (due := deadline(found)) is None:
        raise NotFound("该项目现在没有需要您遵守的期限。", code=codes.NO_DEADLINE)
    name, at = due
    event = Event()
    # The same deadline is the same entry, however often it is taken; a later one moves it.
    event.add("uid", f"{found.id}.{found.state}@gongmei")
    event.add("dtstamp", clock.now())
    event.add("dtstart", at - timedelta(minutes=30))
    event.add("dtend", at)
    event.add("summary", f"{name}：{found.project_name or '未命名项目'}")
    event.add("description", f"{found.form_title}　{found.round_title}\n{clock.show(at)}（北京时间）前提交。")
    event.add("url", f"{str(request.app[SETTINGS].public_url).rstrip('/')}/applications/{found.id}")
    reminder = Alarm()
    reminder.add("action", "DISPLAY")
    reminder.add("description", name)
    reminder.add("trigger", timedelta(days=-1))
    event.add_component(reminder)
    whole = Calendar()
    whole.add("prodid", "-//gongmei//deadlines//ZH")
    whole.add("version", "2.0")
    whole.add_component(event)
    headers = {"Content-Disposition": 'attachment; filename="deadline.ics"', "Cache-Control": "private, no-store"}
    return web.Response(body=whole.to_ical(), content_type="text/calendar", charset="utf-8", headers=headers)
