"""Show every component of the pages with its states (`/styleguide`), made by the same templates; in development only."""

from datetime import timedelta
from typing import Any

from aiohttp import web

from services.gateway.form import form_view
from services.gateway.form.form_parts import Beside, Json
from services.gateway.web.access import current
from services.gateway.web.context import SESSION
from services.gateway.web.labels import STATES
from services.gateway.web.rendering import page
from shared import clock


def _field(key: str, kind: str, label: str, **more: Any) -> Json:
    return {
        "key": key,
        "kind": kind,
        "label": label,
        "required": True,
        "help": None,
        "unit": None,
        "group": None,
        **more,
    }


def _table(key: str, label: str, columns: list[Json], **more: Any) -> Json:
    return {
        "key": key, "label": label, "help": None, "group": None, "row_label": "", "fixed_rows": [], "min_rows": 1,
        "max_rows": 20, "required": True, "columns": columns, "totals": [], "total_label": "合计", **more,
    }  # fmt: skip


def _slot(key: str, label: str, **more: Any) -> Json:
    return {
        "key": key, "label": label, "required": True, "help": None, "group": None, "accept": ["pdf", "jpg", "png"],
        "max_mb": 20, "max_files": 5, **more,
    }  # fmt: skip


# As many columns as no page is wide for, with something said of two of them.
PAYEES = [
    _field("payee", "text", "收款单位", help="与合同一致"), _field("kind", "select", "类别", options=["材料费", "外协加工费（含模具）"]),
    _field("account", "bank_account", "收款账号", help="对公账号"), _field("on", "date", "付款日期"), _field("amount", "money", "金额", unit="万元"),
    _field("uscc", "uscc", "统一社会信用代码"), _field("invoice", "checkbox", "已开发票", required=False), _field("way", "radio", "付款方式", options=["转账", "现金"]),
    _field("use", "textarea", "用途", max=500, required=False),
]  # fmt: skip
AMOUNTS = [_field("name", "text", "科目名称"), _field("amount", "money", "金额", unit="万元")]
SECTION: Json = {
    "key": "specimen",
    "fields": [
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
    "tables": [
        _table("rows", "可以添加一行的表", AMOUNTS, totals=["amount"]),
        _table(
            "fixed", "各行固定的表", AMOUNTS[1:], totals=["amount"], row_label="资金来源",
            fixed_rows=[{"key": "fund", "label": "申请保护发展资金"}, {"key": "own", "label": "单位自筹"}],
        ),
        _table("payees", "列很多的表", PAYEES, totals=["amount"]),
    ],
    "slots": [_slot("empty", "还没有文件的附件"), _slot("held", "有文件的附件", required=False), _slot("bad", "有错误的附件")],
}  # fmt: skip
VALUES: Json = {
    "name": "景泰蓝赏瓶", "wrong": "58511090", "said": "中国工商银行", "brought": "北京燕京景泰蓝工艺品有限公司", "sum": "22.00", "computed": "25.00",
    "on": "2026-03-01", "one": "朝阳区", "radio": "是", "many": ["景泰蓝"], "tick": True, "long": "掐丝、点蓝、烧蓝、磨光、镀金。",
    "rows": [{"id": "a", "name": "材料费", "amount": "12.50"}, {"id": "b", "name": "", "amount": "9.50"}],
    "fixed": [{"row": "fund", "amount": "22.00"}, {"row": "own", "amount": "30.00"}],
    "payees": [{"id": "c", "payee": "北京燕京景泰蓝工艺品有限公司", "kind": "外协加工费（含模具）", "account": "622848001234567890123", "amount": "12.50", "way": "转账"}],
    "held": ["1"],
}  # fmt: skip
ERRORS: list[Json] = [
    {"field": "wrong", "row": None, "column": None, "message": "请填写带区号的固定电话或手机号码"},
    {"field": "rows", "row": "b", "column": "name", "message": "请填写科目名称"},
    {"field": "bad", "row": None, "column": None, "message": "请上传此附件"},
]
OPINIONS: list[Json] = [{"field": "said", "row": None, "text": "开户银行请填写全称。"}]
CHECKS: list[Json] = [
    {"message": "使用计划金额合计应等于申请保护发展资金合计", "left": "22.00", "right": "22.00", "difference": "0.00", "holds": True, "severity": "error"},
    {"message": "申请保护发展资金合计应与项目资金来源一致", "left": "22.00", "right": "23.00", "difference": "-1.00", "holds": False, "severity": "error"},
    {"message": "申请金额超过本批次的单项标准", "left": "60.00", "right": "50.00", "difference": "10.00", "holds": False, "severity": "warning", "op": "<="},
    {"message": "尚未填写的一项核对", "left": None, "right": None, "difference": None, "holds": True, "severity": "error"},
]  # fmt: skip


def _applications() -> list[Json]:
    soon = (clock.now() + timedelta(days=2)).isoformat()
    saved = {"saved_at": soon, "draft_at": None}
    common = {"id": "0", "project_name": "", "fund_type_label": "某一类", "closes_at": soon, "correct_by": soon}
    return [
        {**common, "state": "draft", "sections": [saved]},
        {**common, "state": "draft", "sections": []},
        {**common, "state": "returned", "sections": [saved]},
    ]


async def show(request: web.Request) -> web.Response:
    """The page of all components."""
    session = await current(request)
    if session is not None:
        request[SESSION] = session
    beside = Beside.of(ERRORS, OPINIONS, {"brought": "法人库"})
    files = [{"id": "1", "name": "营业执照.pdf", "size": 345_678}]
    context = {
        "form": form_view.build(SECTION, VALUES, {}, files, beside, {"tables": {}}),
        "errors": form_view.summary(SECTION, ERRORS),
        "checks": [
            {"known": check["left"] is not None, "op": "==", **check, "section": "specimen", "anchor": ""}
            for check in CHECKS
        ],
        "states": STATES,
        "applications": _applications(),
        "entries": [
            {"at": clock.now().isoformat(), "label": "提交申请", "actor": "李响", "to_state": "待纳批"},
            {"at": clock.now().isoformat(), "label": "领取办理", "actor": "陈审查", "to_state": None},
        ],
    }
    return page(request, "operator/styleguide.html", context)
