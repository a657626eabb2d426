"""Show a section of a form that nobody has published, by the very template of an applicant's page and without its scripts: there is
nobody here for them to talk to, and every page works without."""

import re
from typing import Any

from services.gateway.form import checks_view, form_parts, form_view, section_state
from services.gateway.form.section_view import current, hints, marks, sources
from services.gateway.web.rendering import TEMPLATES
from shared.contract.checks import Obstacle
from shared.contract.forms import FormDefinition
from shared.contract.pages import SectionPage

_SCRIPTS = re.compile(r'<script[^>]*></script>\n?|<link rel="modulepreload"[^>]*>\n?')
# The way out of a page; places of the page itself stay.
_LINKS = re.compile(r'<a\s(?:[^>]*\s)?href="(?!#)[^>]*>')
_CLASS = re.compile(r'\sclass="[^"]*"')


def of(
    frame: dict[str, Any],
    definition: FormDefinition,
    asked: SectionPage,
    wrong: list[Obstacle] | None = None,
    notice: str | None = None,
    *,
    inert: bool = False,
) -> str:
    """Return the page of the section that was asked for, in a frame of the portal. Where it is `inert` links lead nowhere but within it."""
    opened, application, errors = asked.section, asked.application, wrong or []
    section = definition.by_key[opened.key]
    shown = section_state.as_shown(section, opened.now)
    values = section_state.with_computed(shown, current(section, opened), opened.now)
    beside = form_parts.Beside.of(errors, [], sources(section, opened, values), hints(section, opened, values))
    text = TEMPLATES.get_template("form/section.html").render(
        **frame,
        application=application,
        section=shown,
        opened=opened,
        etag="1",
        form=form_view.build(shown, values, application.parameters, [], beside, opened.now),
        carried=section_state.carried(section, opened.now, values),
        read=None,
        requests=[],
        reason="",
        present=[],
        sms=False,
        progress=None,
        unit_opinions=[],
        shape="",
        saved=False,
        submit_key="",
        following=None,
        news=[],
        not_connected=False,
        left_over=[],
        errors=form_view.summary(section, errors),
        opinions=[],
        marks=marks(application, [], []),
        checks=checks_view.lines(definition, asked.checks),
        notice=notice,
        fault="请处理以下各处后再保存表单：" if errors else None,
        base="",
        kept=False,
    )
    text = _SCRIPTS.sub("", text)
    return _LINKS.sub(_inert, text) if inert else text


def _inert(link: re.Match[str]) -> str:
    """A link that leads nowhere and says so; how it looks is all that stays of it."""
    looks = _CLASS.search(link[0])
    return f'<a{looks[0] if looks else ""} role="link" aria-disabled="true" title="预览中不能打开">'
