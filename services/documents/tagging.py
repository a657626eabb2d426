"""Tell by a PDF's tags what its parts are, for people who listen to it (PDF/UA-1, ISO 14289-1).

WeasyPrint tags what an element is called. What that leaves is mended here, on the finished objects and by the standard's own terms:

- a table whose rows are labels and values is a list of labelled values (`L`, `Lbl`, `LBody`);
- a table of links into the document is its contents (`TOC`, `TOCI`);
- any other table without header cells only lays things out (`Div`);
- a table that goes on over pages is one table, and its head is read once; header cells say whether they are a column's or a row's;
- what stands in a page's margins, and a watermark (`aside`), is no content but an artifact (Kozea/WeasyPrint 1836);
- the lines of a table are one artifact, not one for each side of each cell;
- a link into the document says where it leads by what it reads;
- the metadata declares PDF/UA-1 beside PDF/A (Kozea/WeasyPrint 2467), with the description that PDF/A asks of a foreign name.
"""

from collections.abc import Iterator
from typing import Any

import pydyf
from weasyprint import Document
from weasyprint.formatting_structure import boxes

# How a side of a cell is drawn: what is alike for all, its two ends, and what closes it.
_SIDE, _ENDS, _CLOSED = 7, 9, [b"S", b"Q", b"Q", b"EMC"]
_ARTIFACT = b"/Artifact <</Type /Pagination>> BDC"
_DECLARATION = (
    b'<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfuaid:part="1"/>'
    b'<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
    b' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
    b'<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    b"<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>"
    b"<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>"
    b"<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    b'<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">'
    b"<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    b"<pdfaProperty:category>internal</pdfaProperty:category>"
    b"<pdfaProperty:description>Part of ISO 14289 that the file conforms to</pdfaProperty:description>"
    b"</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
)


def mend(document: Document, pdf: pydyf.PDF) -> None:
    """Mend the tags of a finished document, which is tagged; declare PDF/UA-1."""
    _name_links(document)
    root = _at(pdf, pdf.catalog["StructTreeRoot"])
    [whole] = _kids(pdf, root)
    whole["K"] = pydyf.Array(kid.reference for kid in _kids(pdf, whole) if kid["S"] != "/NonStruct")
    tables = [element for element in _below(pdf, whole) if element["S"] == "/Table"]
    begun: dict[Any, Any] = {}
    for table, drawn in zip(tables, _drawn(document), strict=True):
        head = next((group for group in _kids(pdf, table) if group["S"] == "/THead"), None)
        if drawn in begun:
            # A head that is as high as a page is not printed again.
            _go_on(pdf, begun[drawn], table, head)
        elif head is not None:
            begun[drawn] = table
        else:
            _mend_table(pdf, table, {element.tag for element in drawn.iter()})
    for table in begun.values():
        _scope(pdf, table)
    _mark_artifacts(pdf, root, whole)
    metadata = _at(pdf, pdf.catalog["Metadata"])
    metadata.stream = [metadata.stream[0].replace(b"</rdf:RDF>", _DECLARATION + b"</rdf:RDF>")]


def _at(pdf: pydyf.PDF, reference: bytes) -> Any:
    return pdf.objects[int(reference.split()[0])]


def _kids(pdf: pydyf.PDF, element: Any) -> list[Any]:
    """The elements right below one: neither marked content nor links' annotations."""
    found = (_at(pdf, kid) for kid in element["K"] if isinstance(kid, bytes))
    return [kid for kid in found if kid["Type"] == "/StructElem"]


def _below(pdf: pydyf.PDF, element: Any) -> Iterator[Any]:
    for kid in _kids(pdf, element):
        yield kid
        yield from _below(pdf, kid)


def _name_links(document: Document) -> None:
    for page in document.pages:
        for kind, _, _, box in page.links:
            if kind == "internal":
                box.link_annotation["Contents"] = pydyf.String("".join(box.element.itertext()))


def _drawn(document: Document) -> list[Any]:
    """The elements of the tables in the order of their tags: one that is on three pages thrice."""
    found: list[Any] = []
    waiting = [page._page_box for page in reversed(document.pages)]
    while waiting:
        box = waiting.pop()
        if isinstance(box, boxes.TableBox):
            found.append(box.element)
        elif not isinstance(box, boxes.LineBox):
            waiting += reversed(getattr(box, "children", ()))
    return found


def _go_on(pdf: pydyf.PDF, first: Any, table: Any, head: Any) -> None:
    """Move what another page holds of a table to where it began; the head that is printed again belongs to nobody."""
    known = [cell["ID"].string for cell in _heads(pdf, _kids(pdf, first)[0])]
    for cell, name in zip(_heads(pdf, head) if head else (), known, strict=False):
        # The cells below a header hold the same string.
        cell["ID"].string = name
    for group in _kids(pdf, table):
        if group is not head:
            group["P"] = first.reference
            first["K"].append(group.reference)
    _take_out(pdf, table)


def _scope(pdf: pydyf.PDF, table: Any) -> None:
    """Say what a table's header cells are headers of; WeasyPrint says it in the cells below them, of which there may be none."""
    for group in _kids(pdf, table):
        for cell in _heads(pdf, group):
            if cell["S"] == "/TH":
                cell["A"]["Scope"] = "/Column" if group["S"] == "/THead" else "/Row"


def _heads(pdf: pydyf.PDF, group: Any) -> list[Any]:
    return [cell for row in _kids(pdf, group) for cell in _kids(pdf, row)]


def _take_out(pdf: pydyf.PDF, element: Any) -> None:
    """Take an element out of the tree, and whatever is empty without it."""
    above = _at(pdf, element["P"])
    above["K"].remove(element.reference)
    if not above["K"]:
        _take_out(pdf, above)


def _mend_table(pdf: pydyf.PDF, table: Any, tags: set[str]) -> None:
    """Make a table without a head what it is by the tags of its element, of which a page may hold a part: labels with values,
    contents, or nothing of its own."""
    groups = _kids(pdf, table)
    rows = [row for group in groups for row in _kids(pdf, group)]
    if "th" in tags and "thead" not in tags:
        _mend_values(pdf, table, rows)
    elif "a" in tags and tags.isdisjoint(("thead", "img", "svg")):
        _mend_contents(pdf, table, rows)
    else:
        table["S"] = "/Div"
        for part in (*groups, *rows, *(cell for row in rows for cell in _kids(pdf, row))):
            _rename(part, "NonStruct")


def _mend_values(pdf: pydyf.PDF, table: Any, rows: list[Any]) -> None:
    """One label and value, or two, to a row."""
    items = []
    for row in rows:
        cells = _kids(pdf, row)
        for at in range(0, len(cells), 2):
            item = row if at == 0 else _item(pdf, row)
            # A row that is broken has no label on its second page; what is signed by hand has no value yet.
            said = [part for part in cells[at : at + 2] if part["K"]] or cells[at : at + 2][-1:]
            for part, kind in zip(reversed(said), ("LBody", "Lbl"), strict=False):
                _rename(part, kind)
            _put(item, "LI", said)
            items.append(item)
    _put(table, "L", items)


def _item(pdf: pydyf.PDF, beside: Any) -> Any:
    item = pydyf.Dictionary({"Type": "/StructElem", "Pg": beside["Pg"]})
    pdf.add_object(item)
    return item


def _mend_contents(pdf: pydyf.PDF, table: Any, rows: list[Any]) -> None:
    """What is linked, then the number of its page."""
    for row in rows:
        cells = _kids(pdf, row)
        _put(row, "TOCI", cells)
        for cell, kind in zip(cells, ("Reference", "NonStruct"), strict=False):
            _rename(cell, kind)
    _put(table, "TOC", rows)


def _rename(element: Any, kind: str) -> None:
    """Make an element of another kind; a cell's span and headers go."""
    element["S"] = f"/{kind}"
    element.pop("A", None)
    element.pop("ID", None)


def _put(element: Any, kind: str, kids: list[Any]) -> None:
    _rename(element, kind)
    element["K"] = pydyf.Array(kid.reference for kid in kids)
    for kid in kids:
        kid["P"] = element.reference


def _mark_artifacts(pdf: pydyf.PDF, root: Any, whole: Any) -> None:
    """Whatever no element tells is an artifact of its page."""
    told: dict[bytes, set[int]] = {}
    for element in _below(pdf, whole):
        if numbers := [kid for kid in element["K"] if isinstance(kid, int)]:
            told.setdefault(element["Pg"], set()).update(numbers)
    # Number and array in turns: those of the pages first, by their numbers.
    owners = _at(pdf, root["ParentTree"])["Nums"][1::2]
    for number, reference in enumerate(pdf.page_references):
        page, known = _at(pdf, reference), told.get(reference, set())
        content = _at(pdf, page["Contents"])
        for at, item in enumerate(content.stream):
            if isinstance(item, pydyf.Dictionary) and "MCID" in item and item["MCID"] not in known:
                # The tag stands before its properties, the operator after them.
                content.stream[at - 1 : at + 2] = [b"", _ARTIFACT, b""]
                owners[number][item["MCID"]] = "null"
        content.stream = _joined(content.stream)


def _joined(stream: list[Any]) -> list[Any]:
    """What a page draws, with the sides of a table's cells that follow one another and are alike as one stroke."""
    found: list[Any] = []
    at, alike = 0, None
    while at < len(stream):
        side = stream[at : at + _SIDE] if stream[at] == "/Artifact" else None
        if side is None or stream[at + _ENDS : at + _ENDS + len(_CLOSED)] != _CLOSED:
            alike = None
            found.append(stream[at])
            at += 1
            continue
        end = at + _ENDS + len(_CLOSED)
        if side == alike:
            found[-len(_CLOSED) : -len(_CLOSED)] = stream[at + _SIDE : at + _ENDS]
        else:
            found += stream[at:end]
        at, alike = end, side
    return found
