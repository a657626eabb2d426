"""`make bench-forms`: what validating and loading forms costs, beside a naive baseline in the same run.

One full application (every section of the longest form of the catalogue, 60 rows in its tables, every check), judged by
definitions that are compiled once, beside the same judged by a definition that is read from its file for every application; and
the catalogue loaded by libyaml, beside PyYAML's own reader. CPU time of this process, rungs in turns, the median counts.
Ends with 1 when a bound is broken: 5 ms for an application, 200 ms for the catalogue.
"""

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import yaml

from services.applications.forms.authoring import source
from services.applications.forms.authoring.source import read_form
from services.applications.forms.catalogue import FOLDER
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled import reading, validation
from services.applications.forms.filled.checks import evaluate
from services.applications.forms.filled.situation import Facts
from services.applications.rounds import seed
from tests import factories, generated

FUND_TYPE = "subsidy"
TURNS, ROWS = 15, 60
APPLICATION_MS, CATALOGUE_MS = 5.0, 200.0
TEXTS = {file: file.read_text("utf-8") for file in sorted(FOLDER.glob("*/*.yaml"))}
Sections = dict[str, dict[str, Any]]


def application() -> Sections:
    """A full one: sixty expenses, fifty planned items and indicators (the most there may be), a file in every slot."""
    files = {slot: [f"{slot}-1"] for slot in factories.SLOTS[FUND_TYPE]}
    values = factories.values_of(FUND_TYPE, files)
    content, plan = values["project_content"], values["fund_plan"]
    content["expenses"] = [
        {
            "item": f"费用{n}",
            "category": "设备购置",
            "planned_wan": "5.00",
            "paid_wan": "3.50",
            "voucher_no": f"FP-{n}",
        }
        for n in range(ROWS)
    ]
    most = 50
    each = (Decimal(plan["applied_total_wan"]) / most).quantize(Decimal("0.01"))
    rest = Decimal(plan["applied_total_wan"]) - each * (most - 1)
    amounts = [each] * (most - 1) + [rest]
    plan["plan_items"] = [{"subject_name": f"科目{n}", "amount_wan": f"{wan}"} for n, wan in enumerate(amounts)]
    values["benefits"]["indicators"] = [
        {"indicator": f"指标{n}", "unit": "件", "baseline": "1", "target": "2"} for n in range(most)
    ]
    return values


def facts() -> Facts:
    rounds = yaml.safe_load(seed.FILE.read_text("utf-8"))
    parameters = next(r["parameters"] for r in rounds if r["fund_type"] == FUND_TYPE)
    return Facts(RoundFacts(parameters=parameters, closes_on="2099-12-31"))


def judge(form: Form, values: Sections, given: Facts) -> Mapping[str, Any]:
    """Every section by 保存表单's rules, then every check: what a submission does."""
    saved: Sections = {}
    for section in form.sections:
        files = {slot.key: frozenset(values[section.key].get(slot.key) or ()) for slot in section.slots}
        context = reading.Context(form=form, facts=given, files=files, saved=saved)
        saved[section.key] = validation.validate(section, values[section.key], context)
    broken = [o.id for o in evaluate(form, saved, given) if not o.holds and o.severity == "error"]
    assert not broken, broken
    return saved


def load(base: type) -> list[Form]:
    """The catalogue, with one reader of YAML or the other."""

    class Loader(base):  # type: ignore[misc,valid-type]
        yaml_implicit_resolvers = source._Loader.yaml_implicit_resolvers

    known, source._Loader = source._Loader, Loader  # type: ignore[misc]
    try:
        forms = [read_form(text)[0] for text in TEXTS.values()]
    finally:
        source._Loader = known  # type: ignore[misc]
    assert all(forms)
    return [form for form in forms if form]


def timed(rungs: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Milliseconds of CPU by rung, the median of the turns; the first turn warms up."""
    took: dict[str, list[float]] = {name: [] for name in rungs}
    for turn in range(TURNS + 1):
        for name, run in rungs.items():
            start = time.process_time()
            run()
            if turn:
                took[name].append((time.process_time() - start) * 1000)
    return {name: statistics.median(found) for name, found in took.items()}


def main() -> int:
    values, given = application(), facts()
    compiled = catalogue_form(FUND_TYPE, 1)
    text = TEXTS[FOLDER / FUND_TYPE / "1.yaml"]
    data = generated.form(77, sections=60, fields=150, conditions=40)
    large, _, _ = read_form(yaml.safe_dump(data, allow_unicode=True))
    assert large
    typed = generated.values(data, 1, rows=ROWS)
    random_facts = Facts(RoundFacts(parameters=generated.ROUND, closes_on="2099-12-31"))

    def anew() -> None:
        form, _, _ = read_form(text)
        assert form
        judge(form, values, given)

    found = timed(
        {
            "naive": anew,
            "ours": lambda: judge(compiled, values, given),
            "large": lambda: judge(large, typed, random_facts),
            "pure": lambda: load(yaml.SafeLoader),
            "libyaml": lambda: load(yaml.CSafeLoader),
        }
    )
    rows = sum(
        len(v) for s in values.values() for v in s.values() if isinstance(v, list) and v and isinstance(v[0], dict)
    )
    print(f"one application, {len(compiled.sections)} sections, {rows} rows, {len(compiled.checks)} checks")
    _line("definition read for every application", found["naive"], found["naive"])
    _line("definition compiled once (ours)", found["ours"], found["naive"], APPLICATION_MS)
    print(
        f"one application of a random form, {len(large.sections)} sections, 150 fields, 40 conditions, {ROWS} rows a table"
    )
    _line("definition compiled once (ours)", found["large"], found["naive"])
    print(f"the catalogue, {len(TEXTS)} forms")
    _line("PyYAML's own reader", found["pure"], found["pure"])
    _line("libyaml (ours)", found["libyaml"], found["pure"], CATALOGUE_MS)
    return 1 if found["ours"] > APPLICATION_MS or found["libyaml"] > CATALOGUE_MS else 0


def _line(name: str, took: float, baseline: float, bound: float | None = None) -> None:
    kept = "" if bound is None else f"   at most {bound:g} ms: {'yes' if took <= bound else 'NO'}"
    print(f"  {name:40} {took:8.2f} ms CPU   {baseline / took:6.1f} : 1{kept}")


if __name__ == "__main__":
    sys.exit(main())
