"""Define fields with options: one of several, several of several, a tick."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from services.applications.forms.kinds.base import Choices, Key, Kind, Label, Part, Wrong, text_of
from shared import codes
from shared.text.typed_text import without_marks

# Some options are whole sentences: what an applicant declares by choosing.
MAX_OPTION = 500


class Option(Part):
    """What is kept and what people read."""

    value: Annotated[str, Field(min_length=1, max_length=MAX_OPTION)]
    label: Label


# A plain text is both value and label.
AnyOption = Annotated[str, Field(min_length=1, max_length=MAX_OPTION)] | Option


def labels(options: Iterable[object]) -> dict[str, str]:
    """Value to label, in the form's order."""
    found = {}
    for option in options:
        if isinstance(option, Option):
            found[option.value] = option.label
        elif isinstance(option, Mapping):
            found[str(option["value"])] = str(option["label"])
        else:
            found[str(option)] = str(option)
    return found


class _Choice(Kind):
    """`options` stand in the field, or `options_from` names a list of the form (`lists`) or of the round, or a column of a table
    (`section.table.column`), whose cells are the options: validation knows them, the kind takes any text for one. `specify` names, by
    option, the text field beside it that says which: it is shown while the option is chosen, and printed with it."""

    options: tuple[AnyOption, ...] = ()
    options_from: str | None = None
    specify: dict[Annotated[str, Field(min_length=1, max_length=MAX_OPTION)], Key] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = (self.options, self.options_from, getattr(self, "options_for", None))
        if sum(map(bool, sources)) != 1:
            raise ValueError("options（选项）和 options_from（选项的来源）应写且只写一个")
        if len(labels(self.options)) != len(self.options):
            raise ValueError("有重复的选项")
        if self._own and (strange := self.specify.keys() - self._own.keys()):
            raise ValueError(f"specify 中的“{'、'.join(sorted(strange))}”不在选项之中")
        return self

    @cached_property
    def _own(self) -> dict[str, str]:
        return labels(self._listed)

    @property
    def _listed(self) -> tuple[AnyOption, ...]:
        return self.options

    @cached_property
    def options_in_rows(self) -> tuple[str, str, str] | None:
        """The section, table and column whose cells are the options; None where they are a list."""
        section, _, rest = (self.options_from or "").partition(".")
        table, _, column = rest.partition(".")
        return (section, table, column) if column else None

    def picked(self, raw: object, choices: Choices) -> str | None:
        """Return the option that a text names, or None. Those of older rounds may hold marks that nobody sees."""
        text, known = text_of(raw), self.labels(choices)
        if self.options_in_rows:
            return text if 0 < len(text) <= MAX_OPTION and "\n" not in text else None
        return text if text in known else next((o for o in known if without_marks(o).strip() == text), None)

    def labels(self, choices: Choices) -> Mapping[str, str]:
        """Value to label of what may be chosen; empty when the round does not say."""
        if not self.options_from:
            return self._own
        found = choices.get(self.options_from, ())
        return found if isinstance(found, Mapping) else labels(found)


class _OneOf(_Choice):
    must_be: str | None = None
    must_be_message: str | None = None

    def parse(self, raw: object, choices: Choices) -> str:
        text = self.picked(raw, choices)
        if text is None:
            raise Wrong(codes.NOT_AN_OPTION, "请从选项中选择")
        if self.must_be is not None and text != self.must_be:
            raise Wrong(codes.MUST_BE, self.must_be_message or f"此项应为“{self.labels(choices)[self.must_be]}”")
        return text

    def show(self, value: Any, choices: Choices) -> str:
        return self.labels(choices).get(value, str(value))

    @model_validator(mode="after")
    def _must_be_an_option(self) -> Self:
        if self.must_be is not None and self._own and self.must_be not in self._own:
            raise ValueError(f"must_be“{self.must_be}”不在选项之中")
        return self


class SelectField(_OneOf):
    """One of a list that drops down. With `options_for` the list is that of what is chosen in `follows`, the choice beside it: by each
    of its options those of this one. The kind takes any of them; validation knows what is chosen there."""

    kind: Literal["select"]
    follows: Key | None = None
    options_for: dict[Annotated[str, Field(min_length=1, max_length=MAX_OPTION)], tuple[AnyOption, ...]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _follows_with_options(self) -> Self:
        if bool(self.follows) != bool(self.options_for):
            raise ValueError("follows（跟随哪个选择）和 options_for（各有哪些选项）应一起写")
        listed = [
            (value, label) for options in self.options_for.values() for value, label in labels(options).items()
        ]
        if len(set(listed)) != len(dict(listed)):
            raise ValueError("同一个选项有不同的名称")
        if any(len(labels(options)) != len(options) for options in self.options_for.values()):
            raise ValueError("有重复的选项")
        return self

    @property
    def _listed(self) -> tuple[AnyOption, ...]:
        return tuple(option for options in self.options_for.values() for option in options) or self.options

    def offered(self, chosen: object) -> Mapping[str, str]:
        """Value to label of what may be chosen while this is chosen in `follows`."""
        return labels(self.options_for.get(chosen, ())) if isinstance(chosen, str) else {}


class RadioField(_OneOf):
    """One of a few that are all seen."""

    kind: Literal["radio"]


class MultiSelectField(_Choice):
    """Any number between `min_items` and `max_items` of a list, kept in the form's order."""

    kind: Literal["multiselect"]
    min_items: int = Field(default=0, ge=0)
    max_items: int | None = Field(default=None, ge=1)

    def parse(self, raw: object, choices: Choices) -> list[str]:
        if isinstance(raw, str):
            raw = [line for line in raw.splitlines() if line.strip()]
        if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
            raise Wrong(codes.TYPE, "应为选项的列表")
        known = self.labels(choices)
        picked = {self.picked(item, choices) for item in raw}
        if None in picked:
            raise Wrong(codes.NOT_AN_OPTION, "请从选项中选择")
        if picked and len(picked) < self.min_items:
            raise Wrong(codes.TOO_FEW_ITEMS, f"至少选择 {self.min_items} 项")
        if self.max_items is not None and len(picked) > self.max_items:
            raise Wrong(codes.TOO_MANY_ITEMS, f"最多选择 {self.max_items} 项")
        return [option for option in known if option in picked]

    def show(self, value: Any, choices: Choices) -> str:
        known = self.labels(choices)
        return "、".join(known.get(item, str(item)) for item in value)

    def export(self, value: Any) -> str:
        return "\n".join(value)

    def typed(self, value: Any) -> tuple[str, ...]:
        return tuple(value)

    @property
    def type(self) -> str:
        return "list"


_TICKS = {"是": True, "否": False}


class CheckboxField(Kind):
    """A tick. A required one has to be set."""

    kind: Literal["checkbox"]
    must_be: bool | None = None

    def parse(self, raw: object, choices: Choices) -> bool:
        if isinstance(raw, str):
            raw = _TICKS.get(raw.strip(), raw)
        if not isinstance(raw, bool):
            raise Wrong(codes.TYPE, "应为是或否")
        if self.must_be is not None and raw is not self.must_be:
            raise Wrong(codes.MUST_AGREE, "请勾选此项" if self.must_be else "此项不能勾选")
        return raw

    def show(self, value: Any, choices: Choices) -> str:
        return "是" if value else "否"

    def export(self, value: Any) -> str:
        return "是" if value else "否"

    @property
    def type(self) -> str:
        return "bool"
