"""Show every component of the pages with its states (`/styleguide`), made by the same templates; in development only."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from aiohttp import web

from services.gateway.form import form_view
from services.gateway.form.checks_view import CheckLine
from services.gateway.form.form_parts import Beside, Typed
from services.gateway.web.access import current
from services.gateway.web.context import SESSION
from services.gateway.web.labels import STATES
from services.gateway.web.rendering import page
from shared import clock
from shared.contract.checks import Obstacle
from shared.contract.forms import FieldDefinition, SectionDefinition, SlotDefinition, TableDefinition
from shared.contract.returns import OpinionView
from shared.contract.sections import AttachmentView, SectionNow, TableNow


def _field(key: str, kind: str, label: str, **more: Any) -> FieldDefinition:
    return FieldDefinition(key=key, kind=kind, label=label, **{"required": True, **more})


def _table(key: str, label: str, columns: list[FieldDefinition], **more: Any) -> TableDefinition:
    usual: dict[str, Any] = {
        "help": None,
        "group": None,
        "row_label": "",
        "fixed_rows": [],
        "min_rows": 1,
        "max_rows": 20,
        "totals": [],
    }
    return TableDefinition(
        key=key, label=label, required=True, columns=columns, total_label="合计", **{**usual, **more}
    )


def _slot(key: str, label: str, *, required: bool = True) -> SlotDefinition:
    return SlotDefinition(
        key=key, label=label, required=required, help=None, group=None, accept=["pdf", "jpg", "png"], max_mb=20, max_files=5
    )  # fmt: skip


# As many columns as no page is wide for, with something said of two of them.
PAYEES = [
    _field("payee", "text", "收款单位", help="与合同一致"), _field("kind", "select", "类别", options=["材料费", "外协加工费（含模具）"]),
    _field("account", "bank_account", "收款账号", help="对公账号"), _field("on", "date", "付款日期"), _field("amount", "money", "金额", unit="万元"),
    _field("uscc", "uscc", "统一社会信用代码"), _field("invoice", "checkbox", "已开发票", required=False), _field("way", "radio", "付款方式", options=["转账", "现金"]),
    _field("use", "textarea", "用途", max=500, required=False),
]  # fmt: skip
AMOUNTS = [_field("name", "text", "科目名称"), _field("amount", "money", "金额", unit="万元")]
SECTION = SectionDefinition(
    key="specimen", label="", title="", required=True, help=None, text=None, groups=[],
    fields=[
        _field("name", "text", "单行文字"),
        _field("wrong", "text", "有错误的", help="联系电话带区号"),
        _field("said", "text", "有退回意见的"),
        _field("brought", "text", "由系统带出、不能修改的", readonly=True),
        _field("sum", "money", "金额", unit="万元", help="两位小数"),
        _field("computed", "computed", "由系统计算的", unit="%", required=False),
        _field("on", "date", "日期"),
        _field("one", "select", "选一项", options=["朝阳区", "东城区"]),
        _field("radio", "radio", "选一项（单选）", options=["是", "否"]),
        _field("many", "multiselect", "选多项", options=["景泰蓝", "玉雕", "牙雕"]),
        _field("tick", "checkbox", "我单位已阅读并同意上述承诺"),
        _field("long", "textarea", "多行文字", max=500, required=False),
        _field("text", "fixed_text", "说明", text="表单中的固定文字。"),
    ],
    tables=[
        _table("rows", "可以添加一行的表", AMOUNTS, totals=["amount"]),
        _table(
            "fixed", "各行固定的表", AMOUNTS[1:], totals=["amount"], row_label="资金来源",
            fixed_rows=[{"key": "fund", "label": "申请保护发展资金"}, {"key": "own", "label": "单位自筹"}],
        ),
        _table("payees", "列很多的表", PAYEES, totals=["amount"]),
    ],
    slots=[_slot("empty", "还没有文件的附件"), _slot("held", "有文件的附件", required=False), _slot("bad", "有错误的附件")],
)  # fmt: skip
VALUES: Typed = {
    "name": "景泰蓝赏瓶", "wrong": "58511090", "said": "中国工商银行", "brought": "北京燕京景泰蓝工艺品有限公司", "sum": "22.00", "computed": "25.00",
    "on": "2026-03-01", "one": "朝阳区", "radio": "是", "many": ["景泰蓝"], "tick": True, "long": "掐丝、点蓝、烧蓝、磨光、镀金。",
    "rows": [{"id": "a", "name": "材料费", "amount": "12.50"}, {"id": "b", "name": "", "amount": "9.50"}],
    "fixed": [{"row": "fund", "amount": "22.00"}, {"row": "own", "amount": "30.00"}],
    "payees": [{"id": "c", "payee": "北京燕京景泰蓝工艺品有限公司", "kind": "外协加工费（含模具）", "account": "622848001234567890123", "amount": "12.50", "way": "转账"}],
    "held": [str(UUID(int=1))],
}  # fmt: skip
ERRORS = [
    Obstacle(field="wrong", code="pattern", message="请填写带区号的固定电话或手机号码"),
    Obstacle(field="rows", row="b", column="name", code="required", message="请填写科目名称"),
    Obstacle(field="bad", code="required", message="请上传此附件"),
]
SUMS = {
    key: TableNow(sums={"amount": text})
    for key, text in (("rows", "22.00"), ("fixed", "52.00"), ("payees", "12.50"))
}
CHECKS: list[dict[str, Any]] = [
    {"rule": "使用计划金额合计等于申请保护发展资金合计", "message": "使用计划金额合计应等于申请保护发展资金合计", "left": "22.00", "right": "22.00", "difference": "0.00", "holds": True, "severity": "error"},
    {"rule": "申请保护发展资金合计与项目资金来源一致", "message": "申请保护发展资金合计应与项目资金来源一致", "left": "22.00", "right": "23.00", "difference": "-1.00", "holds": False, "severity": "error"},
    {"rule": "申请金额不超过本批次的单项标准", "message": "申请金额超过本批次的单项标准", "left": "60.00", "right": "50.00", "difference": "10.00", "holds": False, "severity": "warning", "op": "<="},
    {"rule": "尚未填写的一项核对", "message": "尚未填写的一项核对", "left": None, "right": None, "difference": None, "holds": True, "severity": "error"},
]  # fmt: skip


def _applications() -> list[dict[str, Any]]:
    soon = (clock.now() + timedelta(days=2)).isoformat()
    saved = {"saved_at": soon, "draft_at": None}
    common = {
        "id": "0",
        "project_name": "",
        "fund_type_label": "某一类",
        "closes_at": soon,
        "correct_by": soon,
        "actions": ["submit"],
    }
    return [
        {**common, "state": "draft", "sections": [saved]},
        {**common, "state": "draft", "sections": []},
        {**common, "state": "returned", "sections": [saved]},
    ]


_FILE = AttachmentView(
    id=UUID(int=1), section="specimen", slot="held", name="营业执照.pdf", size=345_678, media_type="application/pdf", sha256="", scanned_at=None, infected=None
)  # fmt: skip


def _opinion(field: str, text: str) -> OpinionView:
    return OpinionView(
        id=UUID(int=1), round_trip=1, section="specimen", section_label="", field=field, field_label=None, row=None,
        text=text, status="open", reply=None, author="陈审查", created_at=clock.now(),
    )  # fmt: skip


async def show(request: web.Request) -> web.Response:
    """The page of all components."""
    session = await current(request)
    if session is not None:
        request[SESSION] = session
    opinions = [_opinion("said", "开户银行请填写全称。")]
    beside = Beside.of(ERRORS, opinions, {"brought": "法人库"}, {})
    now = SectionNow(visible=True, section_required=True, tables=SUMS)
    context = {
        "form": form_view.build(SECTION, VALUES, {}, [_FILE], beside, now),
        "errors": form_view.summary(SECTION, ERRORS),
        "checks": [
            CheckLine.model_construct(
                **{"id": "", "op": "==", "left": None, "right": None, "difference": None, **check},
                section="specimen",
                known=check["left"] is not None,
                anchor="",
            )
            for check in CHECKS
        ],
        "states": STATES,
        "applications": _applications(),
        "entries": [
            {
                "at": clock.now().isoformat(),
                "action": "submit",
                "label": "提交申请",
                "actor": "李响",
                "to_state": "待纳批",
            },
            {
                "at": clock.now().isoformat(),
                "action": "take_lease",
                "label": "领取办理",
                "actor": "陈审查",
                "to_state": None,
            },
        ],
    }
    return page(request, "operator/styleguide.html", context)
