"""List the routes of 好差评."""

from services.applications.ratings import api
from shared.contract.ratings import RatingInput, Ratings, RatingView
from shared.http.app import Route
from shared.identity import Duty
from shared.roles import APPLICANT, GATEWAY, STAFF

ROUTES = [
    Route(
        "PUT",
        "/api/v1/applications/{id}/rating",
        api.rate,
        GATEWAY,
        APPLICANT,
        RatingInput,
        RatingView,
        duty=Duty.SIGN,
    ),
    Route("GET", "/api/v1/review/ratings", api.show_ratings, GATEWAY, STAFF, answer=Ratings),
]
