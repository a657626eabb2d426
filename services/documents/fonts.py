"""The fonts that documents are set in: compact cuts of Noto CJK, made when the system is installed.

A whole Noto CJK face has 65,000 glyphs; opening, measuring and subsetting it is a good part of what a document
costs. A compact cut holds what ordinary papers use (GB 2312, Latin, Greek, Cyrillic, signs); the whole face
stands behind it, so that 王㙍䶮犇𫖯 are shown as well. fontconfig gets a file of ours that names these fonts and no
others: what else a machine has installed cannot change a document.
"""

import argparse
import hashlib
import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

log = logging.getLogger(__name__)

# Beside the virtual environment, kept out of version control; made by `deploy/bootstrap.sh`.
FOLDER = Path(__file__).parents[2] / ".fonts"
# A change of what a cut holds makes every machine build its fonts again.
RECIPE = 2


@dataclass(frozen=True)
class Cut:
    """A compact font: which face it is cut from, and what it is called."""

    file: str
    face: str
    style: str
    family: str
    bold: bool

    @property
    def name(self) -> str:
        return f"{self.family.replace(' ', '')}-{'Bold' if self.bold else 'Regular'}.otf"


CUTS = (
    Cut("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC", "Regular", "Gongmei Sans", bold=False),
    Cut("NotoSansCJK-Bold.ttc", "Noto Sans CJK SC", "Bold", "Gongmei Sans", bold=True),
    Cut("NotoSerifCJK-Regular.ttc", "Noto Serif CJK SC", "Regular", "Gongmei Serif", bold=False),
    Cut("NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC", "Bold", "Gongmei Serif", bold=True),
)


class NoFont(Exception):
    """The machine lacks a face; the message names the package."""


def ordinary_characters() -> list[int]:
    """What a cut holds: GB 2312 and the blocks that Chinese papers take signs from."""
    chars = {ord(c) for c in _gb2312()}
    for first, last in (
        (0x20, 0x7E),  # ASCII
        (0xA0, 0x17F),  # Latin with marks
        (0x370, 0x3FF),  # Greek
        (0x400, 0x45F),  # Cyrillic
        (0x2000, 0x206F),  # dashes, quotation marks, spaces
        (0x20A0, 0x20BF),  # currencies
        (0x2100, 0x22FF),  # letter-like signs, numerals, arrows, mathematics
        (0x2460, 0x24FF),  # numbers in circles
        (0x25A0, 0x26FF),  # boxes, stars
        (0x3000, 0x303F),  # Chinese punctuation
        (0x3200, 0x33FF),  # months, units
        (0xFF00, 0xFFEF),  # full width
    ):
        chars |= set(range(first, last + 1))
    return sorted(chars)


def _gb2312() -> str:
    pairs = (bytes((high, low)) for high in range(0xA1, 0xF8) for low in range(0xA1, 0xFF))
    return "".join(pair.decode("gb2312", "ignore") for pair in pairs)


def whole_faces() -> dict[str, Path]:
    """The installed Noto CJK collections by file name; `NoFont` unless all are there."""
    listed = subprocess.run(["fc-list", ":lang=zh-cn", "file"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    found = {path.name: path for path in (Path(line.strip().rstrip(":")) for line in listed.splitlines())}
    wanted = {cut.file for cut in CUTS}
    if missing := sorted(wanted - found.keys()):
        raise NoFont(f"{'、'.join(missing)} not found; install the package fonts-noto-cjk")
    return {name: found[name] for name in sorted(wanted)}


def build(folder: Path = FOLDER) -> None:
    """Make what is missing in the folder. The same sources and libraries give the same bytes anywhere."""
    faces = whole_faces()
    known = _manifest(folder)
    sources = {name: _sha256(path) for name, path in faces.items()}
    if known.get("recipe") == RECIPE and known.get("sources") == sources and _whole(folder, known):
        return
    folder.mkdir(parents=True, exist_ok=True)
    cuts: dict[str, str] = {}
    for cut in CUTS:
        content = _cut(faces[cut.file], cut)
        # Visible whole or not at all: a worker may be starting beside us.
        fresh = folder / f".{cut.name}.{os.getpid()}"
        fresh.write_bytes(content)
        fresh.replace(folder / cut.name)
        cuts[cut.name] = hashlib.sha256(content).hexdigest()
    manifest = json.dumps({"recipe": RECIPE, "sources": sources, "cuts": cuts}, indent=1, sort_keys=True)
    (folder / "manifest.json").write_text(manifest)


def _cut(file: Path, cut: Cut) -> bytes:
    font = _face(file, cut)
    options = subset.Options(
        # What Chinese text set in one direction needs, and nothing that only other languages do.
        layout_features=["kern", "liga", "calt", "ccmp", "mark", "mkmk"],
        name_IDs=[],
        notdef_outline=True,
        glyph_names=False,
        hinting=False,
        desubroutinize=True,
        drop_tables=["BASE", "DSIG", "VORG", "vhea", "vmtx"],
        recalc_timestamp=False,
    )
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=ordinary_characters())
    cutter.subset(font)
    _rename(font, cut)
    out = BytesIO()
    font.save(out, reorderTables=True)
    return _numbered(out.getvalue())


def _numbered(content: bytes) -> bytes:
    """The cut with each glyph's CID equal to its place, as in the whole faces: what a document says (a place) then
    finds its glyph (by CID) in a subset that has closed its gaps."""
    font = TTFont(BytesIO(content), recalcTimestamp=False)
    names = [".notdef", *(f"cid{place:05d}" for place in range(1, font["maxp"].numGlyphs))]
    top = font["CFF "].cff.topDictIndex[0]
    top.charset = names
    top.CharStrings.charStrings = {name: place for place, name in enumerate(names)}
    font.setGlyphOrder(names)
    out = BytesIO()
    font.save(out, reorderTables=True)
    return out.getvalue()


def _face(file: Path, cut: Cut) -> TTFont:
    for index, font in enumerate(TTCollection(file, lazy=True).fonts):
        if font["name"].getBestFamilyName() == cut.face:
            # Opened once more, alone, and without the clock's time in its head.
            return TTFont(file, fontNumber=index, lazy=True, recalcTimestamp=False)
    raise NoFont(f"{file} holds no {cut.face}")


def _rename(font: TTFont, cut: Cut) -> None:
    """A name of its own: two fonts of one name would be a matter of luck."""
    style = "Bold" if cut.bold else "Regular"
    post_script = cut.name.removesuffix(".otf")
    font["name"].names = []
    for number, text in (
        (1, cut.family),
        (2, style),
        (3, post_script),
        (4, f"{cut.family} {style}"),
        (6, post_script),
    ):
        font["name"].setName(text, number, 3, 1, 0x409)
    if "CFF " in font:
        top = font["CFF "].cff.topDictIndex[0]
        font["CFF "].cff.fontNames = [post_script]
        top.FullName, top.FamilyName, top.Weight = f"{cut.family} {style}", cut.family, style


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(folder: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads((folder / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _whole(folder: Path, manifest: dict[str, object]) -> bool:
    cuts = manifest.get("cuts")
    return (
        isinstance(cuts, dict)
        and cuts.keys() == {cut.name for cut in CUTS}
        and all((folder / name).is_file() for name in cuts)
    )


def use(folder: Path = FOLDER) -> bool:
    """Have fontconfig read our file; before the first font configuration is made. Whether compact fonts are
    there; without them documents are set in the whole faces, which look the same and cost more."""
    compact = _whole(folder, _manifest(folder))
    if not compact:
        log.warning(
            "no compact fonts: documents take longer; deploy/bootstrap.sh makes them", extra={"at": str(folder)}
        )
    os.environ["FONTCONFIG_FILE"] = str(_configuration(folder, compact=compact))
    return compact


def _configuration(folder: Path, *, compact: bool) -> Path:
    """Our fontconfig file: these fonts, a cache of their own, no rule of the machine."""
    files = [*whole_faces().values(), *((folder / cut.name for cut in CUTS) if compact else ())]
    folders = sorted({str(path.parent) for path in files})
    accepted = "".join(f"<glob>{escape(str(path))}</glob>" for path in files)
    text = (
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>'
        + "".join(f"<dir>{escape(name)}</dir>" for name in folders)
        + f"<cachedir>{escape(str(_cache(folder)))}</cachedir>"
        + f"<selectfont><rejectfont><glob>*</glob></rejectfont><acceptfont>{accepted}</acceptfont></selectfont>"
        + "</fontconfig>"
    )
    # Named by what it says, so that two versions beside each other do not overwrite one another's.
    file = _cache(folder) / f"fonts-{hashlib.sha256(text.encode()).hexdigest()[:12]}.conf"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(file)
    return file


def _cache(folder: Path) -> Path:
    """A folder we may write to: beside the fonts, or where the machine keeps what may be lost."""
    beside = folder / "cache"
    if os.access(folder if folder.exists() else folder.parent, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME") or "/tmp") / f"gongmei-fonts-{os.getuid()}"  # noqa: S108


def fingerprint(folder: Path = FOLDER) -> str:
    """Which fonts documents are set in, as one digest: part of what decides a document's bytes."""
    manifest = _manifest(folder)
    if _whole(folder, manifest):
        return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    sizes = {name: path.stat().st_size for name, path in whole_faces().items()}
    return hashlib.sha256(json.dumps(sizes, sort_keys=True).encode()).hexdigest()


def main() -> None:
    """`python -m services.documents.fonts [folder]`."""
    parser = argparse.ArgumentParser(prog="python -m services.documents.fonts")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    try:
        build(parser.parse_args().folder)
    except NoFont as reason:
        sys.stderr.write(f"{reason}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
