"""What a file for the archive (ISO 19005-3, level A) and for people who listen (ISO 14289-1) must have, as far as it can be seen without a validator.

qpdf reads the syntax; the rest are the standard's own requirements looked up one by one. No PDF/A validator can be
installed from the packages this project builds on (veraPDF is none of them), so conformance as a whole is claimed by
the file and confirmed here only in these points; `pdf/a-3a` of a release should be run through veraPDF by hand.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta, timezone
from io import BytesIO

import pikepdf
import pytest

from tests.unit.documents import models
from tests.unit.documents.conftest import Printed
from tests.unit.documents.models import AT, DRAFT, model


@pytest.fixture(scope="module", params=[*models.KINDS, "preview"])
def pdf(printed: Printed, request: pytest.FixtureRequest) -> Iterator[pikepdf.Pdf]:
    document = model(watermark=DRAFT) if request.param == "preview" else models.KINDS[request.param]()
    with pikepdf.open(BytesIO(printed(document).content)) as opened:
        yield opened


def structure(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    """Every element of the structure tree."""
    waiting = [pdf.Root.StructTreeRoot.K]
    while waiting:
        node = waiting.pop()
        if isinstance(node, pikepdf.Array):
            waiting += reversed(list(node))
        elif isinstance(node, pikepdf.Dictionary):
            if "/S" in node:
                yield node
            if "/K" in node:
                waiting.append(node.K)


def below(element: pikepdf.Object) -> Iterator[pikepdf.Object]:
    for kid in element.K:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield kid
            yield from below(kid)


def read(pdf: pikepdf.Pdf, page: int, element: pikepdf.Object) -> str:
    """What an element reads on a page, letter by letter from the marked content that it names."""
    numbers = {
        int(kid)
        for part in (element, *below(element))
        for kid in part.K
        if not isinstance(kid, pikepdf.Dictionary)
    }
    fonts = {name: codes(font) for name, font in pdf.pages[page].Resources.Font.items()}
    said, inside, font = "", False, {}
    for instruction in pikepdf.parse_content_stream(pdf.pages[page]):
        match str(instruction.operator), list(instruction.operands):
            case "BDC", [_, about]:
                inside = int(about.get("/MCID", -1)) in numbers
            case "EMC", _:
                inside = False
            case "Tf", [name, _]:
                font = fonts[name]
            case "TJ", [shown] if inside:
                for part in shown:
                    if isinstance(part, pikepdf.String):
                        glyphs = bytes(part).hex()
                        said += "".join(font[glyphs[at : at + 4]] for at in range(0, len(glyphs), 4))
    return said


def codes(font: pikepdf.Object) -> dict[str, str]:
    """Glyph to letters, as a font's ToUnicode tells."""
    pairs = re.findall(r"<([0-9a-f]{4})>\s*<([0-9a-f]+)>", font.ToUnicode.read_bytes().decode().lower())
    return {glyph: bytes.fromhex(letters).decode("utf-16-be") for glyph, letters in pairs}


def test_labels_are_read_with_their_values(printed: Printed) -> None:
    with pikepdf.open(BytesIO(printed(model()).content)) as pdf:
        [values] = [e for e in structure(pdf) if e.S == "/L" and e.Pg.objgen == pdf.pages[2].objgen]
        items = [[(str(part.S), read(pdf, 2, part)) for part in item.K] for item in values.K]
        assert items == [
            [("/Lbl", "联系人"), ("/LBody", models.RARE)],
            [("/Lbl", "移动电话"), ("/LBody", "13800138000")],
            [("/Lbl", "Email"), ("/LBody", "very.long.address@subdomain.example.com")],
            [("/Lbl", "备注"), ("/LBody", "甲乙")],
        ]
        # What is signed by hand has a label and nothing yet to read.
        seal = [element for element in structure(pdf) if element.S == "/L"][-1]
        assert [[str(part.S) for part in item.K] for item in seal.K] == [
            ["/LBody"],
            ["/LBody"],
            ["/Lbl", "/LBody"],
        ]


def test_a_table_over_many_pages_is_one_table(printed: Printed) -> None:
    with pikepdf.open(BytesIO(printed(model(rows=120)).content)) as pdf:
        table = next(e for e in structure(pdf) if e.S == "/Table" and "科目" in read(pdf, 2, e))
        rows = [part for part in below(table) if part.S == "/TR"]
        pages = [page.objgen for page in pdf.pages]
        said = [read(pdf, pages.index(row.Pg.objgen), row) for row in rows]
        assert said[0] == "序号科目金额（万元）"
        assert said[1:] == [*(f"{n}科目{n:03d}号{n}.00" for n in range(1, 121)), "合计7260.00"]
        assert len({row.Pg.objgen for row in rows}) > 3
        heads = {str(part.ID) for part in below(table) if part.S == "/TH"}
        assert len(heads) == 3
        cells = [part for part in below(table) if part.S == "/TD"]
        assert {len(cell.A.Headers) for cell in cells} == {1}
        assert {str(head) for cell in cells for head in cell.A.Headers} == heads
        # The head that is printed again on each page is not read again.
        assert "序号科目" not in read(pdf, 4, pdf.Root.StructTreeRoot.K[0])


def test_contents_are_contents_and_links_say_where_they_lead(printed: Printed) -> None:
    with pikepdf.open(BytesIO(printed(model()).content)) as pdf:
        [contents] = [element for element in structure(pdf) if element.S == "/TOC"]
        assert {str(entry.S) for entry in contents.K} == {"/TOCI"}
        assert [read(pdf, 1, entry) for entry in contents.K] == [
            "一、项目联系人信息3",
            "二、保护发展资金使用规划3",
            "三、诚信承诺4",
            "附件清单5",
        ]
        titles = [str(link.Contents) for link in pdf.pages[1].Annots]
        assert titles == ["一、项目联系人信息", "二、保护发展资金使用规划", "三、诚信承诺", "附件清单"]
        assert {str(link.A.URI) for link in pdf.pages[0].Annots} == {models.PROOF.url}
        [mail] = pdf.pages[2].Annots
        assert mail.A.URI == "mailto:very.long.address@subdomain.example.com"


def test_heads_feet_and_watermarks_are_not_read(printed: Printed) -> None:
    paper = model(watermark=DRAFT)
    with pikepdf.open(BytesIO(printed(paper).content)) as pdf:
        [whole] = pdf.Root.StructTreeRoot.K
        for number, page in enumerate(pdf.pages):
            said = "".join(read(pdf, number, part) for part in whole.K if part.Pg.objgen == page.objgen)
            assert DRAFT not in said
            assert paper.running_header not in said
            assert "页共" not in said.replace(" ", "").replace("\u3000", "")
            assert b"/Pagination" in page.Contents.read_bytes()
            # Every number that the tree does not name is nobody's.
            nums = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
            for owner in nums[nums.index(int(page.StructParents)) + 1]:
                assert owner is None or owner.S in ("/Span", "/Figure", "/Link")


def test_syntax_is_sound_and_it_says_what_it_is(pdf: pikepdf.Pdf) -> None:
    assert pdf.check_pdf_syntax() == []
    assert not pdf.is_encrypted
    said = bytes(pdf.Root.Metadata.read_bytes()).decode()
    assert 'pdfaid:part="3"' in said
    assert 'pdfaid:conformance="A"' in said
    assert 'pdfuaid:part="1"' in said
    # PDF/A wants every foreign name described.
    assert "<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>" in said
    assert len(pdf.trailer.ID) == 2
    for forbidden in ("/AA", "/OpenAction", "/AcroForm", "/OCProperties"):
        assert forbidden not in pdf.Root


def test_metadata_and_document_information_agree(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as metadata:
        assert metadata["dc:title"] == str(pdf.docinfo.Title)
        created = metadata["xmp:CreateDate"]
    written = re.fullmatch(r"D:(\d{14})\+08'00'?", str(pdf.docinfo.CreationDate))
    assert written
    assert written[1] == re.sub(r"\D", "", str(created).partition("+")[0])
    assert AT.astimezone(timezone(timedelta(hours=8))).strftime("%Y%m%d%H%M%S") == written[1]


def test_colours_are_defined(pdf: pikepdf.Pdf) -> None:
    [intent] = pdf.Root.OutputIntents
    assert str(intent.S) == "/GTS_PDFA1"
    assert intent.DestOutputProfile.read_bytes()[36:40] == b"acsp"


def test_every_font_is_inside_and_every_letter_has_its_code(pdf: pikepdf.Pdf) -> None:
    fonts = {name: font for page in pdf.pages for name, font in page.Resources.Font.items()}
    assert fonts
    for font in fonts.values():
        [descendant] = font.DescendantFonts
        assert "/FontFile3" in descendant.FontDescriptor
        assert "/ToUnicode" in font


def test_it_is_tagged_for_people_who_listen(pdf: pikepdf.Pdf) -> None:
    assert pdf.Root.MarkInfo.Marked
    assert str(pdf.Root.Lang) == "zh-CN"
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    kinds = Counter(str(element.S) for element in structure(pdf))
    assert kinds["/H1"] == 1
    assert kinds["/L"] + kinds["/Table"] >= 1
    # What has no headers is no table.
    for element in structure(pdf):
        if element.S == "/Table":
            within = Counter(str(part.S) for part in below(element))
            assert within["/TH"] >= 1
            assert within["/TD"] >= 1
    for element in structure(pdf):
        if element.S == "/Figure":
            assert str(element.Alt).startswith("核验二维码")
    for page in pdf.pages:
        assert page.Tabs == "/S"
        depth = 0
        for instruction in pikepdf.parse_content_stream(page):
            match str(instruction.operator):
                case "BMC" | "BDC":
                    depth += 1
                case "EMC":
                    depth -= 1
                case "Tj" | "TJ" | "Do" | "S" | "f" | "f*" | "B":
                    # Nothing is drawn that is neither content nor named an ornament.
                    assert depth > 0, instruction
        assert depth == 0


def test_the_revision_travels_inside(printed: Printed) -> None:
    document = model()
    with pikepdf.open(BytesIO(printed(document).content)) as pdf:
        assert list(pdf.attachments) == ["GM2026000007-2.json"]
        file = pdf.attachments["GM2026000007-2.json"].get_file()
        assert file.read_bytes().decode() == document.embedded[0].text
        assert file.mime_type == "application/json"
        # WeasyPrint alone names it twice.
        [listed] = pdf.Root.AF
        assert listed.AFRelationship == "/Source"
        checksum = hashlib.md5(file.read_bytes(), usedforsecurity=False).digest()
        assert file.md5 == checksum
