"""Read where an opinion stands: the whole, a material, a field, a table or one of its rows, an attachment."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A place, as the service names it; all None for the whole."""

    section: str | None
    field: str | None
    row: str | None

    @property
    def anchor(self) -> str:
        """Where it stands on the case's page."""
        return anchor(self.section, self.field)

    def opinion(self, text: str) -> dict[str, str | None]:
        """An opinion on it, as the service takes it."""
        return {"section": self.section, "field": self.field, "row": self.row, "text": text}


def place(said: str) -> Place:
    """What a short name, `section.field#row`, stands for; nonsense becomes a place that is not there, which the service refuses."""
    rest, _, row = said.partition("#")
    section, _, field = rest.partition(".")
    return Place(section or None, field or None, row or None)


def anchor(section: str | None, field: str | None) -> str:
    """Where a place stands on the case's page; an opinion on the whole stands among the opinions."""
    if not section:
        return "opinions"
    part = (field or "").partition(".")[0]
    return f"p-{section}-{part}" if part else f"m-{section}"
