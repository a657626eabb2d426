"""Name in Chinese what pages of several audiences show."""

# The states an applicant's list can be narrowed to, in the order of an application's life.
STATES = (
    ("draft", "待提交"),
    ("pending_acceptance", "待纳批"),
    ("returned", "退回补正"),
    ("lapsed", "逾期未补正"),
    ("form_review", "形式审查中"),
    ("expert_review", "专家评审中"),
    ("decision", "待审定"),
    ("publicity", "公示中"),
    ("approved", "已批复"),
    ("rejected", "不予支持"),
)
