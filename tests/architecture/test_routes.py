"""The route tables, written down once more: nothing is opened to anybody by accident.

A change here is a change of contract: in a commit of its own, with a record in docs/decisions.
"""

from collections.abc import Iterable

from services.applications.routes import ROUTES as APPLICATIONS
from services.gateway import routes as gateway_routes
from services.gateway.internal import ROUTES as GATEWAY_INTERNAL
from services.gateway.web.limits import KEEPING, LIMITS, USUAL
from services.notify.routes import ROUTES as NOTIFY
from shared.http.app import Route
from shared.identity import Role

A = "/api/v1/applications/{id}"
R = "/api/v1/review/applications/{id}"
J = "/internal/jobs/{id}"

# a: applicant, r: reviewer, e: expert, d: director, o: operator, u: auditor; -: no person is needed.
# Flags: m needs If-Match, k needs Idempotency-Key.
APPLICATIONS_TABLE = f"""
GET    /api/v1/rounds                                gateway            -
POST   /api/v1/rounds                                gateway            o
GET    /api/v1/rounds/{{id}}                           gateway            o
POST   /api/v1/rounds/{{id}}/publish                   gateway            o
POST   /api/v1/rounds/{{id}}/close                     gateway            o
GET    /api/v1/forms                                 gateway            adeoru
PATCH  /api/v1/rounds/{{id}}                           gateway            o
POST   /api/v1/rounds/{{id}}/extensions                gateway            o
GET    /api/v1/forms/{{fund_type}}/{{version}}           gateway            adeoru
GET    /api/v1/applications                          gateway            a
POST   /api/v1/applications                          gateway            a k
GET    {A}                                           gateway            aderu
DELETE {A}                                           gateway            a m
POST   {A}/submit                                    gateway            a mk
POST   {A}/withdraw                                  gateway            a m
GET    {A}/checks                                    gateway            aderu
POST   {A}/prefill                                   gateway            a
GET    {A}/problems                                  gateway            a
GET    {A}/changes                                   gateway            adru
GET    {A}/sections/{{key}}                            gateway            a
PUT    {A}/sections/{{key}}                            gateway            a m
PUT    {A}/sections/{{key}}/draft                      gateway            a m
DELETE {A}/sections/{{key}}/draft                      gateway            a m
GET    {A}/rebase                                    gateway            a
POST   {A}/rebase                                    gateway            a m
GET    {A}/reports                                   gateway            a
GET    {A}/left-over                                 gateway            a
DELETE {A}/left-over/{{item}}                          gateway            a
POST   {A}/attachments                               gateway            a
GET    {A}/attachments/{{attachment}}                  gateway            aderu
GET    {A}/attachments/{{attachment}}/pages            gateway            aderu
GET    {A}/attachments/{{attachment}}/pages/{{n}}        gateway            aderu
DELETE {A}/attachments/{{attachment}}                  gateway            a
POST   {A}/preview                                   gateway            a
GET    {A}/commitment.pdf                            gateway            a
POST   {A}/revisions/{{n}}/pdf                         gateway            aderu
GET    {A}/revisions/{{n}}/pdf                         gateway            aderu
GET    {A}/unlock-requests                           gateway            adru
POST   {A}/unlock-requests                           gateway            a
GET    {A}/opinions                                  gateway            adru
PUT    {A}/opinions/{{opinion}}                        gateway            a
GET    {A}/revisions                                 gateway            adru
GET    {A}/revisions/{{n}}                             gateway            aderu
POST   {A}/revisions/{{n}}/reveal                      gateway            adr
GET    {A}/revisions/{{n}}/changes                     gateway            adru
GET    /api/v1/audit                                 gateway            u
GET    {A}/timeline                                  gateway            adru
GET    /api/v1/review/applications                   gateway            dru
GET    /api/v1/review/counts                         gateway            dru
GET    /api/v1/review/choices                        gateway            dru
GET    /api/v1/review/reviewers                      gateway            dru
PUT    /api/v1/review/away                           gateway            r
POST   /api/v1/review/assignments                    gateway            dr
POST   /api/v1/review/next                           gateway            r
GET    /api/v1/review/filters                        gateway            dru
POST   /api/v1/review/filters                        gateway            dru
DELETE /api/v1/review/filters/{{id}}                   gateway            dru
GET    {R}/origins                                   gateway            dru
GET    {R}/others                                    gateway            dru
POST   {R}/lease                                     gateway            r
DELETE {R}/lease                                     gateway            r
POST   {R}/return                                    gateway            r m
POST   {R}/return/preview                            gateway            r
POST   {R}/unlock-requests/{{request}}/grant           gateway            r
POST   {R}/unlock-requests/{{request}}/refuse          gateway            r
POST   {R}/opinions                                  gateway            r
DELETE {R}/opinions/{{opinion}}                        gateway            r
GET    /api/v1/review/phrases                        gateway            dru
POST   /api/v1/review/phrases                        gateway            dr
PUT    /api/v1/review/phrases/{{id}}                   gateway            dr
DELETE /api/v1/review/phrases/{{id}}                   gateway            dr
POST   {R}/accept                                    gateway            r m
POST   {R}/pass                                      gateway            r m
POST   {R}/refuse                                    gateway            r m
POST   {R}/propose                                   gateway            d m
POST   {R}/decline                                   gateway            d m
POST   {R}/approve                                   gateway            d m
POST   {R}/recall                                    gateway            r m
POST   {R}/extend                                    gateway            r m
POST   {R}/opinions/{{opinion}}/accept                 gateway            r m
POST   {R}/opinions/{{opinion}}/raise                  gateway            r m
GET    /api/v1/review/batches                        gateway            dru
POST   /api/v1/review/batches                        gateway            r
POST   /api/v1/review/batches/{{id}}/close             gateway            r
GET    /api/v1/review/ranking                        gateway            dru
POST   /api/v1/review/moves                          gateway            dr
GET    /api/v1/review/export                         gateway            dru
GET    {R}/stage                                     gateway            dru
GET    {R}/experts                                   gateway            dru
PUT    {R}/experts                                   gateway            dr m
POST   {R}/objections                                gateway            dr
POST   {R}/objections/{{objection}}                    gateway            dr
GET    /api/v1/expert/applications                   gateway            e
GET    /api/v1/expert/applications/{{id}}/sheet        gateway            e
PUT    /api/v1/expert/applications/{{id}}/sheet        gateway            e
POST   /api/v1/expert/applications/{{id}}/sheet        gateway            e
POST   /api/v1/expert/applications/{{id}}/recusal      gateway            e
GET    /api/v1/expert/recusals                       gateway            e
POST   /api/v1/expert/recusals                       gateway            e
GET    {A}/letters                                   gateway            adru
GET    {A}/letters/{{letter}}                          gateway            adru
GET    /internal/publicity                           gateway            -
GET    /api/v1/ops/overview                          gateway            o
POST   /api/v1/ops/parked/requeue                    gateway            o
POST   /api/v1/ops/parked/{{id}}/requeue               gateway            o
GET    /api/v1/ops/switches                          gateway            o
PUT    /api/v1/ops/switches                          gateway            o m
POST   {J}/start                                     documents,notify   -
POST   {J}/finish                                    documents,notify   -
POST   {J}/fail                                      documents,notify   -
GET    /internal/documents/{{id}}/model                documents          -
GET    /internal/verify/{{token}}                      gateway            -
GET    /internal/keys                                gateway            -
POST   /internal/resends                             notify             dor
POST   /internal/audit-heads                         gateway            -
GET    /internal/audit-heads                         gateway            -
GET    /internal/switches                            gateway            -
GET    /internal/openapi.json                        gateway            -
GET    /healthz                                      anybody            -
GET    /readyz                                       anybody            -
GET    /metrics                                      anybody            -
"""

NOTIFY_TABLE = """
GET    /api/v1/notifications                         gateway            a
POST   /api/v1/notifications/{id}/read               gateway            a
GET    /api/v1/notifications/parked                  gateway            dor
POST   /api/v1/notifications/{id}/resend             gateway            dor
POST   /internal/unsubscribe                         gateway            -
GET    /internal/deliveries                          applications       -
POST   /internal/forget                              applications       -
POST   /internal/preview                             applications       -
GET    /internal/openapi.json                        gateway            -
GET    /healthz                                      anybody            -
GET    /readyz                                       anybody            -
GET    /metrics                                      anybody            -
"""

GATEWAY_INTERNAL_TABLE = """
GET    /internal/profiles/{account}                  applications       -
GET    /internal/staff                               applications       -
GET    /healthz                                      anybody            -
GET    /readyz                                       anybody            -
GET    /metrics                                      anybody            -
"""

# The public port. *: anybody at all; form: the token stands in the form; early: before the second factor; the name of
# a limit other than the usual one; files: may be larger than a form.
P = "/applications/{id}"
GATEWAY_TABLE = f"""
GET    /                                             *
GET    /login                                        * sign_in
GET    /login/callback                               * sign_in
POST   /login/backchannel-logout                     *
POST   /logout                                       adeoru form early
GET    /second-factor                                adeoru early
GET    /second-factor/picture                        adeoru early
POST   /second-factor                                adeoru form early sign_in
GET    /account/consent                              a early
POST   /account/consent                              a form early
GET    /account/data                                 adeoru
POST   /account/data                                 adeoru form heavy
GET    /account/sessions                             adeoru
POST   /account/sessions/{{id}}/end                    adeoru form
POST   /account/sessions/end-others                  adeoru form
POST   /account/sessions/end-all                     adeoru form
GET    /welcome                                      adeoru
GET    /verify                                       *
GET    /verify/{{token}}                               * verify
POST   /verify/{{token}}                               * verify files
GET    /.well-known/gongmei-keys.json                * verify
GET    /signed-in                                    adeoru
GET    /help                                         *
GET    /projects                                     a
GET    /projects/new                                 a
POST   /projects/new                                 a form
GET    /projects/copy                                a
GET    {P}                                           a
GET    {P}/rebase                                    a
POST   {P}/rebase                                    a form
GET    {P}/report                                    a
POST   {P}/report                                    a form
GET    {P}/sections/{{key}}                            a
POST   {P}/sections/{{key}}                            a form keeping files
GET    {P}/checks                                    a
GET    {P}/preview                                   a heavy
GET    {P}/commitment                                a heavy
GET    {P}/submit                                    a
POST   {P}/submit                                    a form keeping
GET    {P}/receipt/{{n}}                               a
GET    {P}/withdraw                                  a
POST   {P}/withdraw                                  a form
GET    {P}/delete                                    a
POST   {P}/delete                                    a form
GET    {P}/view                                      a
POST   {P}/reveal                                    a form
GET    {P}/opinions                                  a
POST   {P}/opinions                                  a form
POST   {P}/unlock                                    a form
GET    /notifications                                a
POST   /notifications/{{id}}/read                      a form
GET    {P}/revisions/{{n}}/pdf                         aderu
POST   {P}/revisions/{{n}}/pdf                         aderu form heavy
GET    {P}/letters/{{letter}}                          adru
GET    /publicity                                    * verify
GET    /unsubscribe/{{token}}                          * verify
POST   /unsubscribe/{{token}}                          * verify
GET    /notices/parked                               dor
POST   /notices/{{event}}/resend                       dor form
POST   /review/{{id}}/notices/{{event}}/resend           dr form
GET    /review                                       dru
POST   /review/assign                                dr form
POST   /review/moves                                 dr form
POST   /review/next                                  r form
POST   /review/away                                  r form
POST   /review/filters                               dru form
POST   /review/filters/{{id}}/delete                   dru form
GET    /review/{{id}}                                  dru
POST   /review/{{id}}/reveal                           dr form
POST   /review/{{id}}/lease                            r form
POST   /review/{{id}}/release                          r form
POST   /review/{{id}}/accept                           r form
POST   /review/{{id}}/opinions                         r form
POST   /review/{{id}}/opinions/{{opinion}}               r form
POST   /review/{{id}}/opinions/{{opinion}}/delete        r form
POST   /review/{{id}}/unlock/{{request}}                 r form
POST   /review/{{id}}/recall                           r form
GET    /review/{{id}}/extend                           r
POST   /review/{{id}}/extend                           r form
GET    /review/phrases                               dr
POST   /review/phrases                               dr form
POST   /review/phrases/{{id}}                          dr form
GET    /review/{{id}}/return                           r
POST   /review/{{id}}/return                           r form
POST   /review/{{id}}/decide                           dr form
POST   /review/{{id}}/experts                          dr form
POST   /review/{{id}}/objections                       dr form
POST   /review/{{id}}/objections/{{objection}}           dr form
GET    /review/ranking                               dru
GET    /review/batches                               dru
POST   /review/batches                               r form
POST   /review/batches/{{id}}/close                    r form
GET    /expert                                       e
POST   /expert                                       e form
GET    /expert/{{id}}                                  e
POST   /expert/{{id}}                                  e form
GET    /audit                                        u
POST   /audit/export                                 u form heavy
GET    /api/v1/audit/accounts                        u
GET    /ops                                          o
POST   /ops/switches                                 o form
POST   /ops/parked/requeue                           o form
POST   /ops/parked/{{id}}/requeue                      o form
GET    /ops/rounds                                   o
GET    /ops/rounds/new                               o
POST   /ops/rounds/new                               o form
GET    /ops/rounds/{{id}}                              o
POST   /ops/rounds/{{id}}                              o form
GET    /api/v1/me                                    adeoru
GET    /api/v1/events                                adeoru
GET    /api/v1/openapi.json                          *
GET    /api/v1/docs                                  *
PUT    /api/v1{P}/sections/{{key}}/draft               adeoru keeping
PUT    /api/v1{P}/sections/{{key}}                     adeoru keeping
POST   /api/v1{P}/submit                             adeoru keeping
POST   /api/v1{P}/preview                            adeoru heavy
POST   /api/v1{P}/revisions/{{n}}/pdf                  adeoru heavy
GET    /api/v1/{{rest:.+}}                             adeoru
POST   /api/v1/{{rest:.+}}                             adeoru
PUT    /api/v1/{{rest:.+}}                             adeoru
PATCH  /api/v1/{{rest:.+}}                             adeoru
DELETE /api/v1/{{rest:.+}}                             adeoru
"""

STUB_TABLE = """
GET    /stub-idp/am/oauth2/authorize                 * sign_in
POST   /stub-idp/am/oauth2/authorize                 * sign_in
POST   /stub-idp/am/oauth2/access_token              * unlimited
GET    /stub-idp/am/oauth2/tokeninfo                 * unlimited
GET    /stub-idp/am/oauth2/userinfo                  * unlimited
GET    /stub-idp/am/oauth2/connect/jwk_uri           * unlimited
GET    /stub-idp/.well-known/openid-configuration    * unlimited
GET    /stub-idp/registry/{uscc}                     * unlimited
GET    /stub-idp/am/UI/Logout                        *
GET    /stub-idp/captcha/{id}/picture                * sign_in
GET    /stub-idp/captcha/{id}/sound                  * sign_in
GET    /stub-idp/register                            * sign_in
POST   /stub-idp/register                            * sign_in files
GET    /stub-idp/register/{id}                       * sign_in
POST   /stub-idp/register/{id}                       * sign_in
GET    /stub-idp/registered                          *
GET    /stub-idp/password                            * sign_in
POST   /stub-idp/password                            * sign_in
POST   /stub-idp/password/new                        * sign_in
GET    /stub-idp/certificate                         * sign_in
POST   /stub-idp/certificate                         * sign_in
POST   /stub-idp/unbind                              * sign_in files
POST   /stub-idp/unbind/continue                     * sign_in
GET    /stub-idp/review/sign-in                      * sign_in
POST   /stub-idp/review/sign-in                      * sign_in
POST   /stub-idp/review/sign-out                     *
GET    /stub-idp/review                              *
GET    /stub-idp/review/{id}/scan                    *
POST   /stub-idp/review/{id}                         *
"""

LETTER = {
    Role.APPLICANT: "a",
    Role.REVIEWER: "r",
    Role.EXPERT: "e",
    Role.DIRECTOR: "d",
    Role.OPERATOR: "o",
    Role.AUDITOR: "u",
}


def letters(roles: Iterable[Role]) -> str:
    return "".join(sorted(LETTER[role] for role in roles))


def lines(table: str) -> set[str]:
    return {" ".join(line.split()) for line in table.strip().splitlines()}


def written(routes: Iterable[Route]) -> set[str]:
    found = set()
    for route in routes:
        callers = ",".join(sorted(route.callers)) or "anybody"
        flags = ("m" if route.if_match else "") + ("k" if route.idempotent else "")
        found.add(f"{route.method} {route.path} {callers} {letters(route.roles) or '-'} {flags}".strip())
    return found


def test_applications_opens_what_the_table_says() -> None:
    assert written(APPLICATIONS) == lines(APPLICATIONS_TABLE)


def test_notify_opens_what_the_table_says() -> None:
    assert written(NOTIFY) == lines(NOTIFY_TABLE)


def test_gateways_internal_port_opens_what_the_table_says() -> None:
    assert written(GATEWAY_INTERNAL) == lines(GATEWAY_INTERNAL_TABLE)


def test_public_port_opens_what_the_table_says() -> None:
    def row(page: gateway_routes.Page) -> str:
        limit = "" if page.limit is USUAL else page.limit.name
        flags = ("form" if page.form else "", "early" if page.early else "", limit, "files" if page.files else "")
        return " ".join([page.method, page.path, letters(page.roles) or "*", *filter(None, flags)])

    assert {row(page) for page in gateway_routes.table(stub_idp=False)} == lines(GATEWAY_TABLE)
    assert {row(page) for page in gateway_routes.STUB_IDP} == lines(STUB_TABLE)
    assert {row(page) for page in gateway_routes.DEVELOPMENT} == {"GET /styleguide *"}


def test_no_counter_stands_between_a_person_and_a_deadline() -> None:
    """Redis away: what keeps work or submits it passes uncounted, on pages and over the API; nothing else does."""
    assert [limit.name for limit in LIMITS if limit.open] == ["keeping"]
    kept = {f"{p.method} {p.path}" for p in gateway_routes.table(stub_idp=True) if p.limit is KEEPING}
    assert kept == {
        f"{start} {end}"
        for start, end in (
            ("POST", "/applications/{id}/sections/{key}"),
            ("POST", "/applications/{id}/submit"),
            ("PUT", "/api/v1/applications/{id}/sections/{key}"),
            ("PUT", "/api/v1/applications/{id}/sections/{key}/draft"),
            ("POST", "/api/v1/applications/{id}/submit"),
        )
    }


def test_every_unsafe_page_checks_a_token() -> None:
    open_to_anybody = {page for page in gateway_routes.STUB_IDP if page.method == "POST"}
    # A file is compared with the record and kept nowhere; whoever holds a reminder may end reminders to its address.
    changes_nothing = {("POST", "/verify/{token}"), ("POST", "/unsubscribe/{token}")}
    # The provider proves itself by its signature.
    changes_nothing.add(("POST", "/login/backchannel-logout"))
    for page in gateway_routes.table(stub_idp=True):
        if (page.method, page.path) in changes_nothing:
            continue
        if page.method != "GET" and page not in open_to_anybody:
            assert page.roles, f"{page.path} changes something for nobody in particular"


def test_trust_map() -> None:
    """Who may call whom, as a map: gateway → applications, notify; workers → applications; and back."""
    trusted = {
        name: {caller for route in routes for caller in route.callers}
        for name, routes in {
            "applications": APPLICATIONS,
            "notify": NOTIFY,
            "gateway": GATEWAY_INTERNAL,
        }.items()
    }
    assert trusted == {
        "applications": {"gateway", "documents", "notify"},
        "notify": {"gateway", "applications"},
        "gateway": {"applications"},
    }


def test_every_public_route_says_what_it_promises() -> None:
    for route in [*APPLICATIONS, *NOTIFY]:
        assert (route.handler.__doc__ or "").strip(), f"{route.method} {route.path} has no description"
