"""Write the definition language as JSON Schema, for editors that show its descriptions, and for converters."""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from services.applications.forms.definition import Form
from services.applications.forms.formulas.type_names import KINDS

_PARTS = {
    "Form": "申报表单", "Section": "材料", "Table": "表格", "FixedRow": "固定行", "Branch": "一级标题", "Level": "二级标题", "Slot": "附件", "Group": "栏目", "Check": "核对",
    "Bound": "限制", "Option": "选项", "RoundParameter": "批次参数", "NamedCondition": "条件",
}  # fmt: skip
_ATTRIBUTES = {
    "fund_type": "资金类型，英文", "version": "第几版，从 1 开始", "label": "名称，申报单位看到的", "title": "标题", "document_title": "申报书的标题",
    "project_name": "项目名称在哪里填：材料.字段；不写时以本类名称（label）为项目名称", "contact_name": "联系人在哪里填：材料.字段", "contact_email": "联系人邮箱在哪里填：材料.字段",
    "applied_amount": "申请金额在哪里填：材料.字段", "district": "所属区在哪里填：材料.字段", "lists": "几个字段共用的选项", "sections": "各项材料",
    "parameters": "批次参数叫什么", "share": "是否比例：0.30 显示为 30%", "card": "申报单位看到的支持标准，{} 处是数值和单位",
    "conditions": "几处共用的条件，公式里写成 condition.代号", "checks": "各项核对", "key": "代号，英文字母、数字和下划线", "was": "上一版里的 key；原来在别的材料里的，写成“材料.key”",
    "required": "是否必填", "required_if": "条件：什么情况下必填", "visible_if": "条件：什么情况下显示", "help": "填写说明", "example": "填写示例",
    "group": "所属栏目", "unit": "单位", "sensitive": "是否敏感：加密保存，隐去中间几位", "readonly": "带出后是否不能修改", "unique": "本列是否不得重复",
    "prefill": "由系统带出：registry.… 或 account.…", "default": "公式：打开材料时先填好的值，可以修改", "defaults": "公式：这一行各列先填好的值",
    "levels": "一级标题，各有几个二级标题，下面的行数由申报单位定", "within": "下面的二级标题", "level_labels": "两级标题两列的名称",
    "subtotal_of": "小计行：是哪几行之和，不用填", "under": "列的上一级表头，相邻的列写同一个就合并", "landscape": "打印时放不下就用横向的页",
    "width": "本列在打印件上的宽度", "bounds": "与别的值比较的限制", "kind": "哪一种字段",
    "op": "怎样比较", "than": "公式：与什么比较", "message": "不满足时显示的话", "rule": "核对的规则，作标题", "id": "代号，不重复", "left": "公式：左边", "right": "公式：右边",
    "holds": "条件：应当成立", "when": "条件：什么情况下才核对", "severity": "error 不满足不能提交，warning 不满足时提示", "confirm": "提示须由申报单位说明情况后才能提交",
    "section": "到哪项材料修改",
    "field": "到哪个字段修改", "must_be": "只能填这个值", "must_be_message": "填了别的值时显示的话", "value": "公式；选项的值", "gives": "得出什么",
    "places": "几位小数", "allow_zero": "能否为 0", "allow_negative": "能否为负数", "min": "最小（文字为最少字数）", "max": "最大（文字为最多字数）",
    "text": "显示的一段文字", "formatted": "是否排出标题、列表和链接", "options": "选项", "options_from": "选项取自 lists、批次参数中的哪一个，或哪张表格的哪一列（材料.表格.列）", "specify": "请注明：选了哪一项，就显示旁边的哪个文本字段", "min_items": "最少选几项", "follows": "选项跟随旁边的哪个选择", "options_for": "跟随的那项选了什么，各有哪些选项",
    "rows_from": "各行随哪张表格的各行：材料.表格", "each_row": "本材料的哪张表格，每行一个文件",
    "max_items": "最多选几项", "groups": "有说明或条件的栏目", "fields": "字段", "tables": "表格", "slots": "附件", "accept": "收哪些类型的文件",
    "max_mb": "单个文件最大多少 MB", "max_files": "最多几个文件", "audience": "除申报单位外给谁看：bureau 只给工作人员，experts 也给评审专家",
    "personal": "是否可能含个人信息：专家和审计人员不能查看", "columns": "列", "fixed_rows": "固定的行", "row_label": "行标题一列的名称",
    "min_rows": "最少几行", "max_rows": "最多几行", "totals": "哪些列要合计", "total_label": "合计一行的名称", "pattern": "格式要求，正则表达式",
    "pattern_message": "格式不对时显示的话",
}  # fmt: skip


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a form's file. What formulas say and where paths lead is beyond it: that is `lint`'s."""
    found = Form.model_json_schema()
    for name, part in [("Form", found), *found["$defs"].items()]:
        kind = part["properties"].get("kind", {}).get("const")
        part["title"] = name
        part["description"] = KINDS[kind] if kind else _PARTS[name]
        for key, attribute in part["properties"].items():
            attribute.pop("title", None)
            attribute["description"] = _ATTRIBUTES[key]
    return {"$schema": GenerateJsonSchema.schema_dialect, **found}


def text() -> str:
    return json.dumps(schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
