"""Name the synthetic applicant: the account by which the system applies to itself every minute, so that operators hear of a fault before
people meet it (`services.gateway.synthetic`).

What it hands in is kept an hour, and is in no list, count, statistic or audit that people look at.
"""

from datetime import timedelta
from uuid import UUID

# Where a 统一社会信用代码 stands for everybody else. Identity providers' codes are checked, so nobody signs in with this one.
ENTERPRISE = "synthetic"
ENTERPRISE_NAME = "系统自检单位"
# Its form and its round, which are in no catalogue and in no list.
FUND_TYPE = "synthetic"
ROUND = UUID("5e1fc4ec-0000-4000-8000-000000000001")
KEPT = timedelta(hours=1)
