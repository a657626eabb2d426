"""Name the kinds of fields and the types of formulas in Chinese."""

KINDS = {
    "text": "文本", "textarea": "长文本", "integer": "整数", "decimal": "小数", "money": "金额", "percent": "百分比",
    "date": "日期", "year": "年份", "select": "下拉选择", "radio": "单选", "multiselect": "多选", "checkbox": "勾选",
    "phone": "联系电话", "mobile": "手机号码", "email": "电子邮箱", "postcode": "邮政编码", "uscc": "统一社会信用代码",
    "id_card": "居民身份证号码", "passport": "证件号码", "bank_account": "银行账号", "computed": "自动计算项", "fixed_text": "说明文字",
    "target": "目标值", "telephone": "电话（含境外）", "web_address": "网址", "month": "年月",
}  # fmt: skip
_TYPES = {
    "number": "数", "text": "文字", "date": "日期", "bool": "是或否", "list": "多个选项", "rows": "整张表格",
    "null": "空值", "any": "任意值",
}  # fmt: skip


def of_type(found: str) -> str:
    """Return a type of formulas (`types`) as a Chinese noun."""
    column = found.removeprefix("column of ")
    return f"一列{of_type(column)}" if column != found else _TYPES[found]
