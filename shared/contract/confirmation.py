"""Define 单位确认 as the public HTTP contract shows it: a second look within the enterprise before 提交申请."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.bodies import PRINTED, Input


class UnitOpinionInput(Input):
    """What a checker of the enterprise finds at a place of the form."""

    section: str | None = None
    field: str | None = None
    text: Annotated[str, Field(min_length=1, max_length=2000), PRINTED]


class ConfirmInput(Input):
    """确认, or 退回修改 with opinions."""

    outcome: Literal["confirmed", "returned"]
    opinions: list[UnitOpinionInput] = Field(default=[], max_length=100)


class UnitOpinion(BaseModel):
    section: str | None
    section_label: str | None
    field: str | None
    field_label: str | None
    text: str


class ConfirmationView(BaseModel):
    """单位确认 of a round that asks for it. `outcome` is null until somebody asked or confirmed; `current`: the content is still what it was
    then. `counts_from`: the instant by which a submission counts that was asked for before the close and not changed since."""

    outcome: Literal["asked", "confirmed", "returned"] | None = None
    name: str = ""
    at: AwareDatetime | None = None
    current: bool = False
    opinions: list[UnitOpinion] = []
    counts_from: AwareDatetime | None = None
