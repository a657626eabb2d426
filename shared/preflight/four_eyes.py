"""Tell which acts of the office one person may do alone."""

from collections.abc import Iterator, Mapping

from shared.preflight import Finding, good, warning

WHAT = "双人复核"
ACTS = {
    "GM_PUBLICITY_BY_LIST": "公示和批复",
    "GM_ROUNDS_BY_TWO": "发布和修改申报批次",
    "GM_FORMS_BY_TWO": "发布表单",
    "GM_EXTENSIONS_BY_TWO": "单独延期、补时和延长补正期限",
    "GM_RESENDS_BY_TWO": "通知改发到登记以外的邮箱",
}


def four_eyes(settings: Mapping[str, bool]) -> Iterator[Finding]:
    """Yield a warning that names what one person does alone, by the names of the settings that would ask for two; else that all is done by
    two."""
    alone = [name for name, on in settings.items() if not on]
    if not alone:
        yield good(WHAT, f"{'、'.join(ACTS[name] for name in settings)}须两人办理")
        return
    advice = f"只有一人办公的单位可以这样；否则设置 {'、'.join(f'{name}=true' for name in alone)}"
    yield warning(WHAT, f"{'、'.join(ACTS[name] for name in alone)}可由一人办理", advice)
