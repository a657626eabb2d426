"""Take a rating of a case that has ended, and tell how the office's work was rated."""

from uuid import UUID

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.tables.applications import Application, Round
from services.applications.tables.ratings import Rating
from services.applications.workflow import ENDED, LABELS, State
from shared import clock, codes
from shared.contract.ratings import RatedCase, RatedRound, RatingInput, Ratings, RatingView
from shared.errors import Conflict
from shared.identity import Actor

# The latest words that the bureau reads at once.
LATEST = 50


def may_be_rated(application: Application) -> bool:
    """Tell whether a case has come to its end after it was handed in."""
    return application.state in ENDED and application.number is not None


async def rate(session: AsyncSession, actor: Actor, id: UUID, given: RatingInput) -> RatingView:
    """Keep a rating, once; the same again is the same. `Conflict` before the end, and for another one."""
    application = await repository.application(session, actor, id)
    if not may_be_rated(application):
        raise Conflict(f"当前状态为“{LABELS[State(application.state)]}”，办结后才能评价。", code=codes.WRONG_STATE)
    values = {"score": given.score, "text": given.text.strip()}
    row = insert(Rating).values(application_id=id, account=actor.account, at=clock.now(), **values)
    made = await session.scalar(row.on_conflict_do_nothing().returning(Rating.application_id))
    found = await session.get_one(Rating, id)
    if made is not None:
        # Not its words: the audit forgets nothing.
        record(session, actor, "rate", application_id=id, score=given.score)
    elif (found.score, found.text) != (values["score"], values["text"]):
        raise Conflict("本项目已经评价，每个项目评价一次。", code=codes.ALREADY_RATED)
    return view(found)


async def of_application(session: AsyncSession, application: Application) -> RatingView | None:
    """Return the rating of a case, if there is one."""
    found = await session.get(Rating, application.id) if may_be_rated(application) else None
    return view(found) if found else None


def view(rating: Rating) -> RatingView:
    return RatingView(score=rating.score, text=rating.text, at=rating.at)


async def overview(session: AsyncSession) -> Ratings:
    """Return how each round's cases were rated, and the latest words without their enterprises' names."""
    counted = [func.count(Rating.score).filter(Rating.score == score) for score in range(5, 0, -1)]
    query = (
        select(Round.id, Round.title, func.count(), *(cast(count, Integer) for count in counted))
        .join(Application, Application.round_id == Round.id)
        .outerjoin(Rating, Rating.application_id == Application.id)
        .where(Application.state.in_(ENDED), Application.number.is_not(None))
        .group_by(Round.id)
        .having(func.count(Rating.score) > 0)
        .order_by(Round.closes_at.desc(), Round.id)
    )
    rounds = [
        RatedRound(round=row[0], title=row[1], ended=row[2], counts=list(row[3:]))
        for row in await session.execute(query)
    ]
    words = (
        select(Rating, Round.title)
        .join(Application, Application.id == Rating.application_id)
        .join(Round, Round.id == Application.round_id)
        .where(Rating.text != "")
        .order_by(Rating.at.desc())
        .limit(LATEST)
    )
    latest = [
        RatedCase(**view(rating).model_dump(), round_title=title) for rating, title in await session.execute(words)
    ]
    return Ratings(rounds=rounds, latest=latest)
