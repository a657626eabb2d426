"""Small guards over the whole house."""

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from deploy.embedded.plan import known_settings
from deploy.embedded.system import ROOT
from services.applications.settings import ApplicationsSettings
from services.documents.settings import DocumentsSettings
from services.documents.tasks import Worker as DocumentsWorker
from services.documents.tasks import register as register_documents
from services.gateway.settings import GatewaySettings
from services.gateway.stub_idp.settings import StubSettings
from services.notify.settings import NotifySettings
from services.notify.tasks import Worker as NotifyWorker
from services.notify.tasks import register as register_notify
from shared.celery import celery_app
from shared.messages import TOPICS

SETTINGS: list[type[BaseSettings]] = [
    ApplicationsSettings,
    DocumentsSettings,
    GatewaySettings,
    StubSettings,
    NotifySettings,
]
PYTHON = sorted(p for folder in ("services", "shared", "deploy") for p in (ROOT / folder).rglob("*.py"))
TEMPLATES = sorted((ROOT / "services").rglob("templates/**/*.html"))


def test_every_queue_is_consumed_by_exactly_one_worker() -> None:
    consumed = []
    for register, worker in (
        (register_documents, object.__new__(DocumentsWorker)),
        (register_notify, object.__new__(NotifyWorker)),
    ):
        app = celery_app("test", "memory://")
        register(app, worker)  # type: ignore[operator]
        consumed += [name for name in app.tasks if not name.startswith("celery.")]
    assert sorted(consumed) == sorted(topic.task for topic in TOPICS.values())
    routes = celery_app("test", "memory://").conf.task_routes
    assert {task: route["queue"] for task, route in routes.items()} == {t.task: t.queue for t in TOPICS.values()}


def test_settings_example_names_every_setting_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#?(GM_[A-Z_]+)=", text, flags=re.M)) == known_settings()


OTHERWISE = {(ApplicationsSettings, "database_pool_size")}


def test_settings_example_is_the_embedded_default() -> None:
    """What is commented out is what the code takes when nothing is said."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#(GM_[A-Z_]+)=(.*)$", text, flags=re.M))
    for kind, name in OTHERWISE:
        said = text.split(f"\n#GM_{name.upper()}=")[0].splitlines()[-1]
        assert f"{kind.model_fields[name].default} in applications" in said
    for kind in SETTINGS:
        for name, field in kind.model_fields.items():
            # What make run itself sets may differ from the code's own default; of a size that one service has otherwise
            # the comment beside the line speaks.
            if (
                not field.is_required()
                and field.default is not None
                and (kind, name) not in OTHERWISE
                and name != "stub_idp"
            ):
                assert shown[f"GM_{name.upper()}"] == str(field.default), name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda p: p.name)
def test_templates_escape_and_hold_no_script(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text
    # One module for all pages, by its hashed address; nothing inline, which the portal's policy would refuse.
    scripts = re.findall(r"<script.*?</script>", text, flags=re.S)
    assert scripts in ([], ['<script type="module" src="{{ asset(\'js/portal.js\') }}"></script>'])
    assert not scripts or template.name == "base.html"
    assert not re.search(r"\son[a-z]+=", text)
    if "gateway" in template.parts:
        # The portal's policy allows no inline style; mails have nothing else.
        assert "style=" not in text
        assert "<style" not in text
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, flags=re.S):
            # Comparing a file with the record changes nothing, and needs nobody signed in.
            # The same goes for a link that was mailed to the one whom it concerns.
            compares = 'action="/verify/' in form or 'action="/unsubscribe/' in form
            # Whoever holds a telephone's link proves it by the address that the form is sent to.
            compares = compares or template.parts[-2:] == ("public", "phone.html")
            assert "csrf" in form or "sealed" in form or compares, form[:200]


def test_portal_loads_nothing_from_elsewhere() -> None:
    for template in TEMPLATES:
        if "gateway" in template.parts:
            for url in re.findall(r'(?:src|href|action)="([^"]*)"', template.read_text(encoding="utf-8")):
                assert url.startswith(("/", "#", "{{")), f"{template.name}: {url}"


FUND_WORDS = re.compile(r"奖励|补助|示范工作室|创新集群|\breward\b|\bsubsidy\b|gifts|funding_sources|fund_plan")


def test_rules_about_fund_types_stand_in_form_data_only() -> None:
    for file in PYTHON:
        if "demo" not in file.parts:
            found = FUND_WORDS.search(file.read_text(encoding="utf-8"))
            assert not found, f"{file.relative_to(ROOT)} speaks of {found[0] if found else ''}"


def test_every_folder_of_migrations_has_one_head() -> None:
    for service in ("applications", "gateway", "gateway/stub_idp", "notify"):
        files = (ROOT / "services" / service / "migrations" / "versions").glob("*.py")
        text = "\n".join(file.read_text(encoding="utf-8") for file in files)
        revisions = set(re.findall(r'^revision = "(\w+)"', text, flags=re.M))
        downs = set(re.findall(r'^down_revision = "(\w+)"', text, flags=re.M))
        assert len(revisions - downs) == 1, service


def test_what_asvs_claims_is_tested() -> None:
    """Every test that `deploy/ASVS.md` names exists, and every setting."""
    text = (ROOT / "deploy" / "ASVS.md").read_text(encoding="utf-8")
    tests = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)\(", file.read_text(encoding="utf-8"))
    }
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 80
    assert named <= tests
    assert set(re.findall(r"\b(GM_[A-Z_]+)\b", text)) <= known_settings()
    numbers = re.findall(r"\b(\d+\.\d+\.\d+)\b", "".join(re.findall(r"^\| (\d[^|]*)\|", text, flags=re.M)))
    assert len(numbers) == len(set(numbers))
