"""How far the materials are, by their required places."""

import pytest

from services.gateway.form.progress import progress
from shared.contract.checks import Obstacle
from shared.contract.forms import FieldDefinition, FormDefinition, SectionDefinition, SlotDefinition
from shared.contract.sections import ApplicationView, SectionSummary


def section(key: str, *fields: FieldDefinition, slots: int = 0) -> SectionDefinition:
    listed = [SlotDefinition.model_construct(key=f"file{n}", required=True) for n in range(slots)]
    return SectionDefinition(
        key=key, label=key, title=key, required=True, help=None, text=None, groups=[], fields=[*fields], tables=[],
        slots=listed,
    )  # fmt: skip


def field(key: str, kind: str = "text", *, required: bool = True, readonly: bool = False) -> FieldDefinition:
    return FieldDefinition(key=key, kind=kind, label=key, required=required, readonly=readonly)


FORM = FormDefinition(
    fund_type="f", version=1, label="f", title="f", lists={},
    sections=[
        section("a", field("x"), field("y"), field("note", required=False), field("sum", "computed"), field("id", readonly=True)),
        section("b", field("z"), slots=1),
    ],
)  # fmt: skip


def standing(a: str, b: str, *, visible: bool = True, editable: bool = True) -> ApplicationView:
    return ApplicationView.model_construct(
        sections=[
            SectionSummary(
                key=key, label=key, required=True, visible=key == "a" or visible, status=status,
                editable=editable, saved_at=None, draft_at=None, etag="1",
            )
            for key, status in (("a", a), ("b", b))
        ]
    )  # fmt: skip


def lacks(key: str, name: str) -> Obstacle:
    return Obstacle(section=key, field=name, code="required", message="必填")


@pytest.mark.parametrize(
    ("found", "problems", "said"),
    [
        (standing("empty", "empty"), [], (4, 4, 0, 4)),
        # A field and a file are left of a draft; a field that nobody has to fill in counts nowhere.
        (standing("saved", "draft"), [lacks("b", "z"), lacks("b", "file0"), lacks("a", "note")], (4, 2, 50, 3)),
        (standing("saved", "draft"), [], (4, 0, 99, 0)),
        (standing("saved", "saved"), [], (4, 0, 100, 0)),
        (standing("draft", "empty", visible=False), [lacks("a", "x")], (2, 1, 50, 1)),
    ],
)
def test_required_places_are_counted(
    found: ApplicationView, problems: list[Obstacle], said: tuple[int, int, int, int]
) -> None:
    made = progress(FORM, found, problems)
    assert made is not None
    assert (made.total, made.missing, made.percent, made.minutes) == said


def test_of_what_nobody_may_change_nothing_is_said() -> None:
    assert progress(FORM, standing("saved", "saved", editable=False), []) is None
