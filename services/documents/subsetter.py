"""Cut a font down by harfbuzz's own subsetter, which WeasyPrint needs anyway: a twentieth of a second where fontTools needs half a minute.

Only the calls that a cut needs, by the names of hb.h and hb-subset.h.
"""

import ctypes
from collections.abc import Iterable
from ctypes import c_char_p, c_uint, c_void_p
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# hb_subset_flags_t and hb_subset_sets_t.
_NO_HINTING, _DESUBROUTINIZE, _NOTDEF_OUTLINE = 0x01, 0x04, 0x40
_DROPPED_TABLES, _NAMES, _FEATURES = 3, 4, 6
_CALLS: dict[str, dict[str, tuple[Any, list[Any]]]] = {
    "harfbuzz": {
        "hb_blob_create_from_file_or_fail": (c_void_p, [c_char_p]),
        "hb_blob_get_data": (c_void_p, [c_void_p, ctypes.POINTER(c_uint)]),
        "hb_blob_destroy": (None, [c_void_p]),
        "hb_face_create": (c_void_p, [c_void_p, c_uint]),
        "hb_face_reference_blob": (c_void_p, [c_void_p]),
        "hb_face_destroy": (None, [c_void_p]),
        "hb_set_add": (None, [c_void_p, c_uint]),
        "hb_set_clear": (None, [c_void_p]),
        "hb_version_string": (c_char_p, []),
    },
    "harfbuzz-subset": {
        "hb_subset_input_create_or_fail": (c_void_p, []),
        "hb_subset_input_destroy": (None, [c_void_p]),
        "hb_subset_input_set": (c_void_p, [c_void_p, c_uint]),
        "hb_subset_input_set_flags": (None, [c_void_p, c_uint]),
        "hb_subset_input_unicode_set": (c_void_p, [c_void_p]),
        "hb_subset_or_fail": (c_void_p, [c_void_p, c_void_p]),
    },
}


class CannotSubset(Exception):
    """The file cannot be cut; the message says why."""


def _harfbuzz() -> SimpleNamespace:
    found = {}
    for library, calls in _CALLS.items():
        loaded = ctypes.CDLL(f"lib{library}.so.0")
        for name, (result, arguments) in calls.items():
            call = getattr(loaded, name)
            call.restype, call.argtypes = result, arguments
            found[name.removeprefix("hb_")] = call
    return SimpleNamespace(**found)


def version() -> str:
    """Return harfbuzz's version, which decides a cut's bytes."""
    return str(_harfbuzz().version_string().decode())


def subset(
    file: Path, face: int, characters: Iterable[int], features: Iterable[str], drop: Iterable[str]
) -> bytes:
    """Return the face with the number `face` of a font file, with these characters and no others.

    `features`: the layout features that are kept, with the glyphs that they lead to; `drop`: tables that are left out. Names and hints are
    left out too. `CannotSubset` when harfbuzz does not take the file.
    """
    hb = _harfbuzz()
    blob = hb.blob_create_from_file_or_fail(str(file).encode())
    if not blob:
        raise CannotSubset(f"{file} cannot be read")
    whole = hb.face_create(blob, face)
    wanted = hb.subset_input_create_or_fail()
    cut = None
    try:
        kept = hb.subset_input_unicode_set(wanted)
        for code in characters:
            hb.set_add(kept, code)
        for number, tags in ((_DROPPED_TABLES, drop), (_NAMES, ()), (_FEATURES, features)):
            chosen = hb.subset_input_set(wanted, number)
            if number != _DROPPED_TABLES:
                hb.set_clear(chosen)
            for tag in tags:
                hb.set_add(chosen, int.from_bytes(tag.encode(), "big"))
        hb.subset_input_set_flags(wanted, _NO_HINTING | _DESUBROUTINIZE | _NOTDEF_OUTLINE)
        cut = hb.subset_or_fail(whole, wanted)
        if not cut:
            raise CannotSubset(f"{file} cannot be cut")
        content, length = hb.face_reference_blob(cut), c_uint()
        data = hb.blob_get_data(content, ctypes.byref(length))
        found = ctypes.string_at(data, length.value)
        hb.blob_destroy(content)
        return found
    finally:
        if cut:
            hb.face_destroy(cut)
        hb.subset_input_destroy(wanted)
        hb.face_destroy(whole)
        hb.blob_destroy(blob)
