"""Name the sets of roles and of calling services that route tables admit: one place for each set."""

from shared.identity import Role

APPLICANT = frozenset({Role.APPLICANT})
REVIEWER = frozenset({Role.REVIEWER})
EXPERT = frozenset({Role.EXPERT})
DIRECTOR = frozenset({Role.DIRECTOR})
OFFICER = frozenset({Role.OFFICER})
FORM_EDITOR = frozenset({Role.FORM_EDITOR})
OPERATOR = frozenset({Role.OPERATOR})
# Those who think of next year's form and limits, and try them on what was handed in.
POLICY = FORM_EDITOR | DIRECTOR
AUDITOR = frozenset({Role.AUDITOR})
# The bureau, as far as it reads cases.
STAFF = frozenset({Role.REVIEWER, Role.DIRECTOR, Role.AUDITOR})
# Whoever reads a case with its correspondence.
READERS = APPLICANT | STAFF
# An expert reads what one scores: the materials, not the correspondence.
JUDGES = READERS | EXPERT
# Whoever works on a case, and can be given one.
CASE_WORKERS = frozenset({Role.REVIEWER, Role.EXPERT, Role.DIRECTOR})
# Whoever is told in the portal (消息) of what concerns their work.
TOLD = CASE_WORKERS | OFFICER
# Those who see to it that people hear of what was decided: they may have a notice sent again.
TELLERS = frozenset({Role.REVIEWER, Role.DIRECTOR, Role.OPERATOR})
# Those for whom something may wait as the second of two.
SECOND_PERSONS = REVIEWER | DIRECTOR | OFFICER | FORM_EDITOR | OPERATOR
EVERYONE = frozenset(Role) - {Role.SYSTEM}

# Rounds: officers write them, an officer or a director publishes what somebody else wrote, operators look at them.
ROUND_PUBLISHERS = OFFICER | DIRECTOR
ROUND_READERS = ROUND_PUBLISHERS | OPERATOR

# Services, as callers.
GATEWAY = frozenset({"gateway"})
APPLICATIONS = frozenset({"applications"})
DOCUMENTS = frozenset({"documents"})
NOTIFY = frozenset({"notify"})
WORKERS = DOCUMENTS | NOTIFY
