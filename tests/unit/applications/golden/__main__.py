from tests.unit.applications import golden
from tests.unit.applications.test_forms_golden import TYPES

for fund_type in TYPES:
    (golden.FOLDER / f"{fund_type}.json").write_text(golden.text(fund_type), "utf-8")
