"""Put what the audit keeps into the office's words."""

# Audit actions in the office's words.
ACTIONS = {
    "start": "新增项目",
    "prefill": "带出法人库登记信息",
    "rebase": "更新为新版申报表",
    "copy": "复制往年申报",
    "dismiss_left_over": "移除无处填写的内容",
    "save_section": "保存表单",
    "discard_draft": "放弃修改",
    "attach": "上传附件",
    "detach": "删除附件",
    "detach_abandoned": "清理未使用的附件",
    "infected": "附件查出病毒",
    "submit": "提交申请",
    "use_ticket": "按先前到达的时间提交",
    "withdraw": "撤销申请",
    "delete": "删除申请",
    "take_lease": "领取办理",
    "take_over": "接管办理",
    "drop_lease": "放弃办理",
    "assign": "分配办理人",
    "accept": "纳批",
    "return": "退回补正",
    "see_return": "查看退回意见",
    "answer_opinion": "答复意见",
    "ask_unlock": "申请开放材料",
    "grant_unlock": "同意开放材料",
    "refuse_unlock": "不同意开放材料",
    "accept_opinion": "采纳答复",
    "raise_opinion": "再次提出意见",
    "note_opinion": "记录退回意见",
    "change_opinion": "修改未发出的意见",
    "forget_opinion": "删除未发出的意见",
    "save_checklist": "填写形式审查表",
    "recall": "撤回退回",
    "lapse": "逾期未补正",
    "extend": "延长补正期限",
    "pass": "通过形式审查",
    "refuse": "不予受理",
    "conclude": "评审汇总",
    "propose": "拟支持",
    "reconsider": "重新审定",
    "publish": "发布公示",
    "take_off": "撤出公示",
    "decline": "不予支持",
    "approve": "公示无异议",
    "give_to_experts": "分配评审专家",
    "score": "提交评分",
    "recuse": "专家回避",
    "draft_list": "拟定名单",
    "change_list": "修改名单",
    "discard_list": "删除名单草稿",
    "publish_list": "发布名单",
    "note_objection": "登记异议",
    "settle_objection": "处理异议",
    "export": "导出清单",
    "reveal": "查看完整个人信息",
    "resend": "重新发送通知",
    "resend_proposed": "申请改发通知",
    "read_pdf": "查看申报书",
    "read_attachment": "查看附件",
    "retention": "保存期限届满，删除资料",
}

# What an applicant does while it fills in.
WRITING = frozenset({"save_section", "discard_draft", "attach", "detach", "detach_abandoned"})
# The bureau's own business: no applicant reads of it.
INTERNAL = frozenset(
    {
        "take_lease", "take_over", "drop_lease", "assign", "note_opinion", "change_opinion", "forget_opinion", "raise_opinion", "save_checklist",
        "give_to_experts", "score", "recuse", "note_objection", "settle_objection", "resend", "resend_proposed",
        "read_pdf", "read_attachment", "reconsider",
    }
)  # fmt: skip
# What a line tells the applicant beside its label.
TOLD = frozenset({"round_trip", "submitted", "correct_by", "reason", "amount_wan", "batch", "revision"})
