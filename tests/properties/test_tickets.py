"""A ticket is a place in line: whatever is sent in whatever order, no first arrival counts later than ten minutes after its first
refusal, and none counts for another session, application or version."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared import tickets
from shared.tickets import Ticket

START = datetime(2026, 12, 20, 9, 30, tzinfo=UTC)
# How long a request is on its way to being turned away, at most.
ON_ITS_WAY = timedelta(seconds=20)

refusals = st.lists(
    st.tuples(
        st.timedeltas(min_value=timedelta(0), max_value=timedelta(minutes=6)),  # since the one before
        st.timedeltas(min_value=timedelta(0), max_value=ON_ITS_WAY),
        st.sampled_from([1, 2]),  # session
        st.sampled_from([1, 2]),  # application
        st.sampled_from(["7", "8"]),  # version
        st.integers(min_value=0, max_value=40),  # which of the tickets so far is brought, if there are so many
    ),
    max_size=40,
)


@given(refusals)
def test_no_first_arrival_counts_after_its_ten_minutes(
    sent: list[tuple[timedelta, timedelta, int, int, str, int]],
) -> None:
    now = START
    held: list[Ticket] = []
    first_refused: dict[tuple[UUID, UUID, str, datetime], datetime] = {}
    for pause, waited, session, application, version, which in sent:
        received = now + pause
        now = received + waited
        # As the gateway does: what is over, or another session's, is as if it had not been brought.
        brought = held[which] if which < len(held) else None
        if brought is not None and (brought.session != UUID(int=session) or received > brought.ends_at):
            brought = None
        fresh = Ticket(
            application=UUID(int=application),
            version=version,
            session=UUID(int=session),
            enterprise="91110105MA00TE5T2T",
            received_at=received,
            ends_at=now + tickets.LIFETIME,
        )
        given_out = tickets.renewed(brought, fresh)
        held.append(given_out)
        assert (given_out.session, given_out.application, given_out.version) == (
            fresh.session,
            fresh.application,
            fresh.version,
        )
        assert given_out.received_at <= received
        place = (given_out.session, given_out.application, given_out.version, given_out.received_at)
        first = first_refused.setdefault(place, now)
        assert given_out.ends_at <= first + tickets.LIFETIME
        assert given_out.ends_at <= given_out.received_at + ON_ITS_WAY + tickets.LIFETIME
