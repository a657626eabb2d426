"""A text with headings, lists and links inside a form: on the page, on paper, at lint and at the workbench."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.applications.documents.document_model import _fields
from services.applications.forms.authoring.lint import lint_text
from services.applications.forms.authoring.version_diff import changes
from services.applications.forms.definition import Form, RoundFacts
from services.applications.workbench.reading import look
from services.applications.workbench.trial import Trial
from services.gateway.form import trial_page
from services.gateway.web.rendering import frame
from shared.document import Text
from shared.text import formatted

FORM = """\
fund_type: fair
version: 1
label: 展会
title: 展会
document_title: 申报书
project_name: a.name
district: a.name
sections:
  - key: a
    label: 展会情况
    title: 展会
    fields:
      - {key: name, kind: text, label: 名称}
      - key: note
        kind: fixed_text
        formatted: true
        text: |
          # 说明
          - 见 [办法](https://a.example.com)
"""


def with_text(text: str, *, set_: bool = True) -> Form:
    data = yaml.safe_load(FORM)
    data["sections"][0]["fields"][1] |= {"text": text, "formatted": set_}
    return Form.model_validate(data)


def page(form: Form) -> str:
    trial = Trial(form, RoundFacts(closes_on="2026-12-31"))
    return trial_page.of({**frame(), "here": "/"}, trial.definition, trial.opened("a"))


def printed(form: Form) -> str:
    blocks = _fields(list(form.sections[0].fields), {}, None, {})
    return "\n".join(block.text for block in blocks if isinstance(block, Text))


def test_it_is_set_on_the_page_and_told_on_paper() -> None:
    form = Form.model_validate(yaml.safe_load(FORM))
    shown = page(form)
    assert "<h3>说明</h3>" in shown
    assert '<a href="https://a.example.com" rel="noopener noreferrer nofollow">办法</a>' in shown
    assert printed(form) == "说明\n• 见 办法（https://a.example.com）"


@given(st.text(st.sampled_from("# -1.[](<>&甲乙\nhttps:/.com"), min_size=1, max_size=80).filter(str.strip))
def test_a_text_that_is_not_to_be_set_stays_as_it_is(text: str) -> None:
    plain, set_ = with_text(text, set_=False), with_text(text)
    assert printed(plain) == text
    assert printed(set_) == formatted.plain(text)
    assert "<h3>" not in page(plain)


def test_a_link_that_leads_nowhere_is_told_at_its_line() -> None:
    wrong = FORM.replace("https://a.example.com", "javascript:x")
    [found] = [f for f in lint_text(wrong) if "链接" in f.message]
    assert (found.severity, found.line) == ("warning", 17)
    assert not [f for f in lint_text(FORM) if "链接" in f.message]
    assert not [f for f in lint_text(wrong.replace("formatted: true", "formatted: false")) if "链接" in f.message]


def test_the_workbench_knows_it() -> None:
    [entry] = [e for e in look(FORM, None).outline if e.key == "note"]
    assert entry.values["formatted"] is True
    before, after = with_text("甲", set_=False), with_text("甲")
    assert [c.text for c in changes(before, after)] == ["改为排出标题和列表"]
