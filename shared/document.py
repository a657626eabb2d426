"""Define what the documents worker is told: one contract a kind of document, everything in it already formatted.

A kind is a class here and a folder of the same name under the worker's templates; nothing else tells kinds
apart. `DocumentModel` is any of them. A change here is a change of contract: see CONTRIBUTING.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel


class Part(BaseModel):
    """Unknown fields are refused, so that a drift between two services is seen at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# ---- blocks: what stands under a heading ------------------------------------------------------------------


class Value(Part):
    """A label and what stands beside it. `wide` takes the full width of the page."""

    label: str
    text: str
    wide: bool = False


class Values(Part):
    """A bordered list of labelled values under an optional caption."""

    kind: Literal["values"] = "values"
    caption: str | None = None
    values: list[Value]


class Column(Part):
    """A column of a table; `width` is its weight beside the others, `over` the heading that it shares with its neighbours."""

    label: str
    over: str | None = None
    width: int = Field(default=10, gt=0)
    numeric: bool = False


class Table(Part):
    """A bordered table; `totals` is a last row, one cell a column; `note` a line under it, such as the sum in
    words (人民币大写). In the first `merged` columns cells of neighbouring rows that say the same are one. `strong` are the rows that stand out, such as subtotals; `landscape` lays it across a page of its own. `code`
    sets cells in small letters that may break anywhere, as digests need."""

    kind: Literal["table"] = "table"
    caption: str | None = None
    columns: list[Column]
    rows: list[list[str]]
    totals: list[str] | None = None
    note: str | None = None
    merged: int = Field(default=0, ge=0)
    strong: list[int] = []
    landscape: bool = False
    code: bool = False


class Text(Part):
    """Paragraphs, one a line."""

    kind: Literal["text"] = "text"
    caption: str | None = None
    text: str


class Seal(Part):
    """Signature lines, with room for the enterprise's seal."""

    kind: Literal["seal"] = "seal"
    lines: list[Value]


Block = Annotated[Values | Table | Text | Seal, Field(discriminator="kind")]


class Material(Part):
    """One numbered material. `new_page` starts it on a page of its own."""

    title: str
    blocks: list[Block]
    new_page: bool = False


# ---- what proves a document -------------------------------------------------------------------------------


class Proof(Part):
    """How anybody checks the paper: the digests of what it tells, and the address that tells its standing, in a
    QR code and in letters (none for revisions from before there was one)."""

    url: str | None
    sha256: str
    sm3: str


class Embedded(Part):
    """A file inside the PDF, beside its pages; its type is told by its name's ending."""

    name: str
    description: str
    text: str


# ---- kinds ------------------------------------------------------------------------------------------------


class Document(Part):
    """What every kind has. `created_at` is the document's own time, never the clock's, so that the same model
    gives the same bytes; `expected` are texts that must be found in the finished PDF before it counts;
    `watermark` lies under every page."""

    title: str
    author: str
    created_at: AwareDatetime
    watermark: str | None = None
    embedded: list[Embedded] = []
    expected: list[str]


class ApplicationForm(Document):
    """申报书: cover, contents, numbered materials, list of attachments. A preview has no number and no proof."""

    kind: Literal["application_form"] = "application_form"
    subtitle: str
    office: str
    cover: list[Value]
    running_header: str
    materials: list[Material]
    # After the numbered materials: what belongs to them.
    appendices: list[Material] = []
    proof: Proof | None = None


class Commitment(Document):
    """承诺书 to be stamped and scanned: one page."""

    kind: Literal["commitment"] = "commitment"
    subtitle: str
    facts: list[Value]
    text: str
    seal: Seal


class Letter(Document):
    """公文 in the layout of GB/T 9704-2012: a notice of return (退回补正通知书), a decision (批复).

    `office` stands in red over the line, `reference` (发文字号) under it, `addressee` over the text unless it is empty (公示); `paragraphs`
    are its body, `tables` follow the body, `attachments` are named after it (附件), then the sender and the date.
    """

    kind: Literal["letter"] = "letter"
    office: str
    reference: str
    addressee: str
    paragraphs: list[str] = Field(min_length=1)
    tables: list[Table] = []
    attachments: list[str] = []
    signed_by: str
    signed_on: str
    contact: str | None = None
    proof: Proof | None = None


class Sheet(Document):
    """A paper of a page or two under one heading, told by `blocks`: the receipt of a submission (申报回执), a case in short (项目简表)."""

    kind: Literal["sheet"] = "sheet"
    subtitle: str
    office: str
    blocks: list[Block]
    proof: Proof | None = None


AnyDocument = Annotated[ApplicationForm | Commitment | Letter | Sheet, Field(discriminator="kind")]


class DocumentModel(RootModel[AnyDocument]):
    """`GET /internal/documents/{id}/model`: a document of any kind."""

    model_config = ConfigDict(frozen=True)
