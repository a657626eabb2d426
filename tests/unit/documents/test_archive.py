"""What a file for the archive must have (ISO 19005-3, level A), as far as it can be seen without a validator.

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

from services.documents import rendering
from tests.unit.documents import models
from tests.unit.documents.models import AT, DRAFT, model


@pytest.fixture(scope="module")
def press() -> rendering.Press:
    return rendering.press()


@pytest.fixture(scope="module", params=[*models.KINDS, "preview"])
def pdf(press: rendering.Press, request: pytest.FixtureRequest) -> Iterator[pikepdf.Pdf]:
    document = model(watermark=DRAFT) if request.param == "preview" else models.KINDS[request.param]()
    with pikepdf.open(BytesIO(rendering.render(document, press).content)) as opened:
        yield opened


def structure(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    """Every element of the structure tree."""
    waiting = [pdf.Root.StructTreeRoot.K]
    while waiting:
        node = waiting.pop()
        if isinstance(node, pikepdf.Array):
            waiting += list(node)
        elif isinstance(node, pikepdf.Dictionary):
            if "/S" in node:
                yield node
            if "/K" in node:
                waiting.append(node.K)


def test_syntax_is_sound_and_it_says_what_it_is(pdf: pikepdf.Pdf) -> None:
    assert pdf.check_pdf_syntax() == []
    assert not pdf.is_encrypted
    said = bytes(pdf.Root.Metadata.read_bytes()).decode()
    assert 'pdfaid:part="3"' in said
    assert 'pdfaid:conformance="A"' in said
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
    assert kinds["/Table"] >= 1
    assert kinds["/TH"] >= 1
    assert kinds["/TD"] >= 1
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


def test_the_revision_travels_inside(press: rendering.Press) -> None:
    document = model()
    with pikepdf.open(BytesIO(rendering.render(document, press).content)) as pdf:
        assert list(pdf.attachments) == ["GM2026000007-2.json"]
        file = pdf.attachments["GM2026000007-2.json"].get_file()
        assert file.read_bytes().decode() == document.embedded[0].text
        assert file.mime_type == "application/json"
        # WeasyPrint alone names it twice.
        [listed] = pdf.Root.AF
        assert listed.AFRelationship == "/Source"
        checksum = hashlib.md5(file.read_bytes(), usedforsecurity=False).digest()
        assert file.md5 == checksum
