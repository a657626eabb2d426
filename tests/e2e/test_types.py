"""Each of the four fund types: filled, checked, submitted and printed through public HTTP on the running product."""

from pathlib import Path

import pypdfium2
import pytest

from services.applications.forms.catalogue import form as catalogue_form
from tests import factories
from tests.system.running import RunningSystem, create, fill, submit


@pytest.mark.parametrize("fund_type", ["reward", "subsidy", "master_studio", "innovation_cluster"])
def test_a_complete_application(system: RunningSystem, pictures: Path, fund_type: str) -> None:
    person = system.person("qiye1")
    id = create(person, fund_type)
    fill(person, id, fund_type, name=f"试填{fund_type}")
    checks = person.call("GET", f"/applications/{id}/checks").json()
    assert checks
    assert all(check["holds"] for check in checks if check["severity"] == "error"), checks
    number = submit(person, id)["receipt"]["number"]
    path = f"/applications/{id}/revisions/1/pdf"
    person.call("POST", path, expect=(200, 202))
    content = person.wait_for(path, 60).content
    (pictures / f"{fund_type}.pdf").write_bytes(content)
    text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content))
    said = "".join(text.split())
    form = catalogue_form(fund_type, 2)
    for wanted in (number, form.title, *(section.title for section in form.sections)):
        assert "".join(wanted.split()) in said, wanted
    if fund_type == "subsidy":
        assert "70.00" in said  # the computed progress
        assert "年服务工艺美术企业" not in said  # not asked of this direction


def test_what_an_answer_changes_is_said_by_keeping_it(system: RunningSystem) -> None:
    """暂存 answers how the section stands, so that a page without JavaScript can show it."""
    person = system.person("qiye1")
    id = create(person, "subsidy")
    path = f"/applications/{id}/sections/project_content"
    opened = person.call("GET", path).json()
    assert {"served_firms", "platform_staff", "site_proof"} <= set(opened["now"]["hidden"])
    body = {"values": {"direction": factories.PLATFORM, "invested_wan": "50", "funding_sources": [{"row": "own_fund", "amount_wan": "200"}]}}  # fmt: skip
    kept = person.call("PUT", f"{path}/draft", json=body, etag=opened["etag"]).json()
    assert not {"served_firms", "site_proof"} & set(kept["now"]["hidden"])
    assert {"served_firms", "site_proof"} <= set(kept["now"]["required"])
    assert kept["now"]["computed"] == {"progress_pct": "25.00"}
    assert kept["now"]["tables"]["funding_sources"]["totals"] == {"amount_wan": "200.00"}
