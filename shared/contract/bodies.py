"""Define the base of every request's body, and the texts in it that documents print."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from shared.text import printable
from shared.text.typed_text import UnreadableText, cleaned


class Input(BaseModel):
    """A request's body: unknown fields are refused, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _as_people_see_it(cls, value: object) -> object:
        """Clean every text of what nobody sees; values of a form are read by their kinds instead."""
        if not isinstance(value, str):
            return value
        try:
            return cleaned(value)
        except UnreadableText as error:
            raise PydanticCustomError("control_character", "{said}", {"said": str(error)}) from error


def _printed(text: str) -> str:
    if said := printable.complaint(text):
        raise PydanticCustomError("unprintable", "{said}", {"said": said})
    return text


# A text that stands in a letter or on the cover of a document.
PRINTED = AfterValidator(_printed)
Reason = Annotated[str, Field(max_length=2000), PRINTED]
