"""Workers rest while people wait in line, and nothing stands still for ever."""

from shared.overload.pressure import LASTS, TRICKLE, Pressure


def test_jobs_rest_while_people_wait_but_for_one_now_and_then() -> None:
    felt = Pressure()
    assert not felt.lets_rest(0.0)
    let_in = 0
    # Ten jobs a second for a minute in which each call says that people wait.
    for tenth in range(600):
        felt.heard(100.0 + tenth / 10)
        let_in += not felt.lets_rest(100.0 + tenth / 10)
    assert let_in == 60 / TRICKLE


def test_it_ends_when_no_call_says_so_any_more() -> None:
    felt = Pressure()
    felt.heard(100.0)
    assert not felt.lets_rest(100.0)
    assert felt.lets_rest(100.1)
    assert not felt.lets_rest(100.0 + LASTS)
    assert not felt.lets_rest(100.1 + LASTS)
