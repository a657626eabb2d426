"""Define workbooks as the public HTTP contract shows them: what one that came back brings, and what somebody agrees to."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from shared.contract.bodies import Input


class WorkbookRemark(BaseModel):
    """What is said of a place in a workbook. `blocking`: nothing of the workbook can be taken; `wrong`: taken as it was typed, to be
    mended on the page; `told`: for information. `cell` as spreadsheets name it, empty for a whole sheet or row."""

    sheet: str
    cell: str
    label: str
    code: str
    message: str
    severity: Literal["blocking", "wrong", "told"]


class WorkbookChange(BaseModel):
    """A cell that will hold something else, in words. `conflict`: it was changed on the page, too, since the workbook was made."""

    section: str
    sheet: str
    cell: str
    label: str
    before: str
    after: str
    conflict: bool


class WorkbookSection(Input):
    """A section's values with what the workbook brings, and the tag of what they were compared with."""

    key: str = Field(max_length=64)
    etag: str = Field(max_length=40)
    values: dict[str, Any]


class WorkbookAgreed(Input):
    """What somebody agrees to, as it was shown: all of it is kept as 暂存, or nothing."""

    form_version: int
    sections: list[WorkbookSection] = Field(min_length=1, max_length=100)


class WorkbookRead(BaseModel):
    """What a workbook brings. Nothing is kept yet: `sections` go back with `PUT …/agreed` once somebody agrees; there are none while a remark is
    `blocking`."""

    form_version: int
    sections: list[WorkbookSection]
    changes: list[WorkbookChange]
    remarks: list[WorkbookRemark]
    more_remarks: int = 0


class WorkbookKept(BaseModel):
    """The new tags of the sections that were kept, by section."""

    etags: dict[str, str]
