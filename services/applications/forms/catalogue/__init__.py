"""Keep the published forms: one file per fund type and version, each read at its first use."""

import logging
from collections.abc import Iterable, Iterator, MutableMapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from services.applications.forms.authoring.source import Fault, read_file, read_form
from services.applications.forms.definition import Form, RoundParameter
from shared import codes
from shared.errors import Conflict, NotFound

FOLDER = Path(__file__).parent
# Beside a type's folder: what the parameters are called that its versions ask for which were published without saying it themselves.
PARAMETERS = ".parameters.yaml"
_PARAMETERS = TypeAdapter(dict[str, RoundParameter])
log = logging.getLogger(__name__)
Key = tuple[str, int]


class UnknownForm(NotFound):
    """没有这一版表单。"""


class UnusableForm(Conflict):
    """这一版表单在本系统的现行版本中不能使用，请联系运维人员。"""

    code = codes.FORM_UNUSABLE


class Catalogue(MutableMapping[Key, Form]):
    """Forms by fund type and version. Hundreds may lie there: a form is read when it is wanted, and one with
    faults (`ValueError`, with all of them) concerns nobody who wants another. Files whose name is no version are none.

    Besides files it knows texts that were published elsewhere (`publish`). What was published at this office goes before a file of
    the same name that a later release of the product brings: applications were filled in by it."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._files: dict[Key, Path] = {}
        for file in (
            file for folder in folders for file in sorted(folder.glob("*/*.yaml")) if file.stem.isdecimal()
        ):
            key = file.parent.name, int(file.stem)
            if key in self._files:
                raise ValueError(f"{file}: “{key[0]}”第 {key[1]} 版已在别处")
            self._files[key] = file
        self._texts: dict[Key, str] = {}
        self._forms: dict[Key, Form] = {}

    def publish(self, key: Key, text: str) -> None:
        """Know the text of a published version."""
        if key in self._files:
            log.warning("a published form goes before the product's file", extra={"form": f"{key[0]}/{key[1]}"})
            del self._files[key]
            self._forms.pop(key, None)
        self._texts[key] = text

    def published(self, key: Key) -> bool:
        """Whether this version was made known by `publish`."""
        return key in self._texts

    def text(self, key: Key) -> str:
        """Return what a version's author wrote, with the comments; `KeyError` where there is none."""
        return self._texts[key] if key in self._texts else self._files[key].read_text(encoding="utf-8-sig")

    def __getitem__(self, key: Key) -> Form:
        if key not in self._forms:
            self._forms[key] = (
                _checked(*read_form(self._texts[key])[:2], key, f"{key[0]}/{key[1]}", FOLDER)
                if key in self._texts
                else _read(self._files[key])
            )
        return self._forms[key]

    def __setitem__(self, key: Key, form: Form) -> None:
        self._forms[key] = form

    def __delitem__(self, key: Key) -> None:
        del self._forms[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(sorted(self._known()))

    def __len__(self) -> int:
        return len(self._known())

    def _known(self) -> set[Key]:
        return self._files.keys() | self._texts.keys() | self._forms.keys()


def _read(file: Path) -> Form:
    form, faults, _ = read_file(file)
    return _checked(form, faults, (file.parent.name, int(file.stem)), str(file), file.parent.parent)


def _checked(form: Form | None, faults: list[Fault], key: Key, where: str, folder: Path) -> Form:
    """Return the form. One with faults is refused, and so is one whose name and content disagree."""
    wrong = [fault for fault in faults if fault.severity == "error"]
    if form is None or wrong:
        raise ValueError("\n".join(f"{where}:{fault.line}: {fault.message}" for fault in wrong))
    if (form.fund_type, form.version) != key:
        raise ValueError(f"{where}: 内容是“{form.fund_type}”第 {form.version} 版，与文件的位置和名字不符")
    return with_parameters(form, folder)


def with_parameters(form: Form, folder: Path = FOLDER) -> Form:
    """Return a form that says itself what its parameters are called, or else what the file beside its type in `folder` says."""
    beside = folder / (form.fund_type + PARAMETERS)
    if form.parameters or not beside.is_file():
        return form
    found = _PARAMETERS.validate_python(yaml.safe_load(beside.read_text(encoding="utf-8")))
    return form.model_copy(update={"parameters": found})


# Where forms are read from: those that come with the product, and those an office keeps beside it.
FOLDERS = [FOLDER]


def also(folder: Path) -> None:
    """Read forms from this folder, too: `<fund type>/<version>.yaml`, as in the catalogue."""
    if folder not in FOLDERS:
        FOLDERS.append(folder)
        forms.cache_clear()


@cache
def forms() -> Catalogue:
    """Return every form of the catalogue."""
    return Catalogue(FOLDERS)


# Forms that are used and are in no list: that of the synthetic applicant.
HIDDEN = FOLDER.with_name("hidden")


@cache
def _hidden() -> Catalogue:
    return Catalogue([HIDDEN])


def sound() -> list[Form]:
    """Return every form that can be used; the log names those that cannot. Reads what has not been read: a matter of seconds
    where hundreds lie there."""
    found = []
    for key in forms():
        try:
            found.append(forms()[key])
        except (ValueError, OSError) as error:
            log.error("form left out", extra={"form": f"{key[0]}/{key[1]}", "reason": str(error)})
    return found


def form(fund_type: str, version: int) -> Form:
    """Return one form; `UnknownForm` when there is none, `UnusableForm` for one with faults."""
    try:
        key = fund_type, version
        return _hidden()[key] if key in _hidden() else forms()[key]
    except KeyError:
        raise UnknownForm from None
    except (ValueError, OSError) as error:
        log.error("form cannot be used", extra={"form": f"{fund_type}/{version}", "reason": str(error)})
        raise UnusableForm from None


def between(fund_type: str, before: int, after: int) -> list[Form]:
    """Return the versions on the way from one to another, both included."""
    way = sorted(v for key, v in forms() if key == fund_type and before < v < after)
    return [form(fund_type, version) for version in (before, *way, after)]


def newest(fund_type: str) -> Form:
    """Return the newest version of a fund type's form; `NotFound` when there is none."""
    versions = [version for key, version in forms() if key == fund_type]
    if not versions:
        raise NotFound("没有这一类表单。")
    return form(fund_type, max(versions))
