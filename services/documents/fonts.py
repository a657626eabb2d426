"""Cut the fonts that documents are set in out of Noto CJK, when the system is installed.

A whole Noto CJK face has 65,000 glyphs; opening, measuring and subsetting it is a good part of what a document
costs. A compact cut holds what ordinary papers use (GB 2312, Latin, Greek, Cyrillic, signs); three more stand behind
it for rare names, so that 王㙍䶮犇𫖯 are shown as well, and the whole face behind them all. What Noto CJK lacks comes from the
fallback fonts: subscripts, signs, the scripts of GB 18030, its rarest ideographs. fontconfig gets a file of ours that names
these fonts and no others: what else a machine has installed cannot change a document.
"""

import argparse
import contextlib
import hashlib
import json
import logging
import os
import subprocess
import sys
import unicodedata
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

import fontTools
from fontTools.ttLib import TTCollection, TTFont
from fontTools.ttLib.reorderGlyphs import reorderGlyphs

from services.documents import characters, subsetter

log = logging.getLogger(__name__)

# Beside the virtual environment, kept out of version control; made by `deploy/bootstrap.sh`.
FOLDER = Path(__file__).parents[2] / ".fonts"
# A change of what a cut holds makes every machine build its fonts again.
RECIPE = 7


@dataclass(frozen=True)
class Cut:
    """A compact font: which face it is cut from, and what it is called."""

    file: str
    face: str
    style: str
    family: str
    bold: bool
    # Which block of rare characters; none: the ordinary ones.
    rare: int | None = None

    @property
    def name(self) -> str:
        return f"{self.family.replace(' ', '')}-{'Bold' if self.bold else 'Regular'}.otf"

    def characters(self) -> list[int]:
        return characters.ordinary() if self.rare is None else characters.rare(self.rare)


CUTS = (
    Cut("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC", "Regular", "Gongmei Sans", bold=False),
    Cut("NotoSansCJK-Bold.ttc", "Noto Sans CJK SC", "Bold", "Gongmei Sans", bold=True),
    Cut("NotoSerifCJK-Regular.ttc", "Noto Serif CJK SC", "Regular", "Gongmei Serif", bold=False),
    Cut("NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC", "Bold", "Gongmei Serif", bold=True),
    # What people type is set in this face; where another meets a rare character, the whole face is there.
    *(
        Cut("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC", "Regular", f"Gongmei Sans {letter}", bold=False, rare=n)
        for n, letter in enumerate("BCD")
    ),
)


# The scripts that GB 18030-2022 has beside Chinese, 女书, and those that the names of foreign partners are written in.
_SCRIPTS = (
    "SansArabic", "SansArmenian", "SansBengali", "SansDevanagari", "SansEthiopic", "SansGeorgian", "SansGujarati",
    "SansGurmukhi", "SansHebrew", "SansKannada", "SansKhmer", "SansLao", "SansLisu", "SansMalayalam", "SansMiao",
    "SansMongolian", "SansMyanmar", "SansNewTaiLue", "SansNushu", "SansOriya", "SansPhagsPa", "SansSinhala", "SansTaiLe",
    "SansTaiTham", "SansTamil", "SansTelugu", "SansThaana", "SansThai", "SansYi", "SerifTibetan",
)  # fmt: skip
# What a fallback font is needed for, by its file; the packages that bring them.
FALLBACKS = (
    "NotoSans-Regular.ttf",
    "NotoSans-Bold.ttf",
    "NotoSansMath-Regular.ttf",
    "NotoSansSymbols-Regular.ttf",
    "NotoSansSymbols2-Regular.ttf",
    *(f"Noto{script}-Regular.ttf" for script in _SCRIPTS),
    # Emoji in outlines, because PDF/A knows no coloured glyphs.
    "Symbola_hint.ttf",
    # The ideographs of the extensions B to H.
    "HanaMinA.ttf",
    "HanaMinB.ttf",
    "BabelStoneHan.ttf",
)
_SIGNS = ("Noto Sans", "Noto Sans Symbols2", "Noto Sans Symbols", "Noto Sans Math")
PACKAGES = ("fonts-noto-cjk", "fonts-noto-core", "fonts-symbola", "fonts-hanazono", "fonts-babelstone-han")


class NoFont(Exception):
    """The machine lacks a face; the message names the package."""


def installed() -> dict[str, Path]:
    """Return the installed font files by name: Noto CJK and every fallback; `NoFont` unless all are there."""
    listed = subprocess.run(["fc-list", "-f", "%{file}\n"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    found = {path.name: path for path in map(Path, sorted(set(listed.splitlines()), reverse=True))}
    wanted = {cut.file for cut in CUTS} | set(FALLBACKS)
    if missing := sorted(wanted - found.keys()):
        raise NoFont(f"{'、'.join(missing)} not found; install the packages {' '.join(PACKAGES)}")
    return {name: found[name] for name in sorted(wanted)}


def whole_faces() -> dict[str, Path]:
    """Return the Noto CJK collections by file name; `NoFont` unless every font is there."""
    found = installed()
    return {name: found[name] for name in sorted({cut.file for cut in CUTS})}


def covered() -> set[int]:
    """Return every code point that one of the fonts has a glyph for, without the private areas, whose meaning is each font's own."""
    codes: set[int] = set()
    for path in installed().values():
        with TTCollection(path, lazy=True) if path.suffix == ".ttc" else TTFont(path, lazy=True) as file:
            for face in file.fonts if isinstance(file, TTCollection) else [file]:
                codes.update(face.getBestCmap())
    return {code for code in codes if unicodedata.category(chr(code)) not in {"Co", "Cs", "Cc"}}


def build(folder: Path = FOLDER) -> None:
    """Make what is missing in the folder. The same sources and libraries give the same bytes anywhere."""
    files = installed()
    known = _manifest(folder)
    fallbacks = {name: _sha256(files[name]) for name in sorted(FALLBACKS)}
    faces = whole_faces()
    sources = {name: _sha256(path) for name, path in faces.items()}
    if known.get("recipe") != RECIPE or known.get("sources") != sources or not _whole(folder, known):
        known = {"recipe": RECIPE, "sources": sources, "cuts": _cut_all(folder, faces, sources)}
    elif known.get("fallbacks") == fallbacks:
        return
    manifest = json.dumps(known | {"fallbacks": fallbacks}, indent=1, sort_keys=True)
    (folder / "manifest.json").write_text(manifest)


def _cut_all(folder: Path, faces: dict[str, Path], sources: dict[str, str]) -> dict[str, str]:
    """Make every cut anew, or take what another installation of this user made of the same sources; their digests by name."""
    folder.mkdir(parents=True, exist_ok=True)
    shared = _shared(sources)
    contents = _taken(shared)
    if contents is None:
        with ProcessPoolExecutor() as pool:
            made = pool.map(_cut, (faces[cut.file] for cut in CUTS), CUTS)
            contents = dict(zip((cut.name for cut in CUTS), made, strict=True))
        # A machine without a folder for what may be lost makes them each time.
        with contextlib.suppress(OSError):
            shared.mkdir(parents=True, exist_ok=True)
            _written(shared, contents)
            (shared / "manifest.json").write_text(json.dumps(_digests(contents)))
    _written(folder, contents)
    return _digests(contents)


def _shared(sources: dict[str, str]) -> Path:
    """Where installations of one user find cuts of these sources, made by these libraries in this way."""
    said = json.dumps([RECIPE, fontTools.version, subsetter.version(), sources], sort_keys=True)
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return place / "gongmei" / "fonts" / hashlib.sha256(said.encode()).hexdigest()[:16]


def _taken(shared: Path) -> dict[str, bytes] | None:
    """The cuts that lie there, if all of them do and are what was written."""
    known = _manifest(shared)
    try:
        contents = {cut.name: (shared / cut.name).read_bytes() for cut in CUTS}
    except OSError:
        return None
    return contents if _digests(contents) == known else None


def _digests(contents: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def _written(folder: Path, contents: dict[str, bytes]) -> None:
    """Each visible whole or not at all: a worker may be starting beside us."""
    for name, content in contents.items():
        fresh = folder / f".{name}.{os.getpid()}"
        fresh.write_bytes(content)
        fresh.replace(folder / name)


# What Chinese text set in one direction needs, and nothing that only other languages or other directions do.
_FEATURES = ("kern", "liga", "calt", "ccmp", "mark", "mkmk")
_DROPPED = ("BASE", "DSIG", "VORG", "vhea", "vmtx")


def _cut(file: Path, cut: Cut) -> bytes:
    content = subsetter.subset(file, _number(file, cut), cut.characters(), _FEATURES, _DROPPED)
    font = _ordered(content, cut.characters())
    _rename(font, cut)
    out = BytesIO()
    font.save(out, reorderTables=True)
    return out.getvalue()


def _ordered(content: bytes, codes: list[int]) -> TTFont:
    """The cut's glyphs in the order of the characters they stand for, those that only replace others last, and each glyph's
    CID equal to its place, as in the whole faces: what a document says (a place) then finds its glyph (by CID) in a
    subset that has closed its gaps."""
    probe = TTFont(BytesIO(content), lazy=True)
    place_of, known = probe.getReverseGlyphMap(), probe.getBestCmap()
    places = list(
        dict.fromkeys([0, *(place_of[known[code]] for code in codes if code in known), *range(len(place_of))])
    )
    # Named by where they will stand, before any table is read by names.
    order = [".notdef", *(f"cid{place:05d}" for place in range(1, len(places)))]
    names = dict(zip(places, order, strict=True))
    # The whole face's boxes hold for every cut of it; measuring each outline anew would be nine tenths of the work.
    font = TTFont(BytesIO(content), recalcBBoxes=False, recalcTimestamp=False)
    top = font["CFF "].cff.topDictIndex[0]
    outlines, selected = top.CharStrings.charStringsIndex, top.FDSelect
    font.setGlyphOrder([names[place] for place in range(len(places))])
    reorderGlyphs(font, order)
    outlines.items = [outlines[place] for place in places]
    selected.gidArray, selected.format = [selected[place] for place in places], None
    top.charset = order
    top.CharStrings.charStrings = {name: place for place, name in enumerate(order)}
    return font


def _number(file: Path, cut: Cut) -> int:
    """Which of the file's faces it is."""
    with TTCollection(file, lazy=True) as faces:
        for number, font in enumerate(faces.fonts):
            if font["name"].getBestFamilyName() == cut.face:
                return number
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
    files = [*installed().values(), *((folder / cut.name for cut in CUTS) if compact else ())]
    folders = sorted({str(path.parent) for path in files})
    accepted = "".join(f"<glob>{escape(str(path))}</glob>" for path in files)
    text = (
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>'
        + "".join(f"<dir>{escape(name)}</dir>" for name in folders)
        + f"<cachedir>{escape(str(_cache(folder)))}</cachedir>"
        + _rare_names()
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


def _rare_names() -> str:
    """Behind an ordinary cut stand the rare ones of its face, and the fonts of signs. A bold text waits for the whole face,
    which is bold."""
    rules = []
    for ordinary in (cut for cut in CUTS if cut.rare is None and not cut.bold):
        behind = [cut.family for cut in CUTS if cut.rare is not None and cut.face == ordinary.face]
        names = "".join(f"<string>{family}</string>" for family in behind)
        rules += [
            f'<match target="pattern"><test name="family"><string>{ordinary.family}</string></test>'
            '<test name="weight" compare="less_eq"><const>medium</const></test>'
            f'<edit name="family" mode="append" binding="same">{names}</edit></match>'
        ] * bool(behind)
        # Subscripts and signs in the same style as the text, before any ideographic font that has them too.
        signs = "".join(f"<string>{family}</string>" for family in _SIGNS)
        rules.append(
            f'<match target="pattern"><test name="family"><string>{ordinary.family}</string></test>'
            f'<edit name="family" mode="append" binding="same">{signs}</edit></match>'
        )
    return "".join(rules)


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
    sizes = {name: path.stat().st_size for name, path in installed().items()}
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
