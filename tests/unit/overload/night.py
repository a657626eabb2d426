"""Play a deadline night in virtual time: people with patience, the door and the line that the product itself uses, and a machine of some
cores that works on what the door let in. Ten minutes take a second or two, so that a rule can be tried before a rehearsal proves it.

What a request costs was measured (`docs/performance.md`, and the night of `make rehearse`); it is CPU seconds of all processes together.
"""

import heapq
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from shared.overload.crowd import Class, Crowd, again
from shared.overload.places import PATIENCE, STANDING, Places
from shared.overload.priority import Priority

# CPU seconds of a request, all processes together, and its priority.
COST = {
    "sign_in": (0.075, Priority.READ),
    "projects": (0.010, Priority.READ),
    "create": (0.030, Priority.WRITE),
    "open": (0.018, Priority.READ),
    "autosave": (0.008, Priority.WRITE),
    "attach": (0.022, Priority.WRITE),
    "save": (0.014, Priority.WRITE),
    "look_over": (0.020, Priority.SUBMIT),
    "submit": (0.035, Priority.SUBMIT),
    "receipt": (0.026, Priority.READ),
    "pdf": (0.016, Priority.LATER),
}
REFUSAL = 0.0003
# Time that an answer is under way besides work: network, waiting for other machines.
PAUSE = 0.02
SECTIONS = 6
# How long somebody tries one step, and how long somebody waits in line who is told how long it takes.
TRIES_SECONDS, LINE_SECONDS = 120.0, 1800.0
BUCKET = 20.0


@dataclass
class Options:
    """A night: `people` who submit in the last `minutes`, and have been at it for up to twice as long before."""

    people: int
    minutes: float = 5.0
    before: float = 2.0
    cores: float = 2.0
    # From when to when half of the cores are away.
    away: tuple[float, float] | None = None
    seed: int = 1

    @property
    def close(self) -> float:
        return self.minutes * 60 * (1 + self.before)


@dataclass
class Result:
    """What came of it."""

    in_time: int = 0
    taken: int = 0
    missed: int = 0
    # Of those who did not get as far as 提交申请 before the close, how many never saw their place.
    lost: int = 0
    useful: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    refusals: Counter[int] = field(default_factory=Counter)
    waits: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    in_line: dict[int, int] = field(default_factory=dict)
    inside: dict[int, int] = field(default_factory=dict)
    submit_took: list[float] = field(default_factory=list)
    itself_again: float = 0.0

    def useful_share(self, close: float) -> float:
        """Return the useful work of the last minute before the close over that of the best minute."""
        per = round(60 / BUCKET)
        last = int(close / BUCKET)
        minutes = [sum(self.useful[b] for b in range(e - per, e)) for e in range(per, last + 1)]
        return minutes[-1] / max(minutes)


class Night:
    """One night under one rule. `gate`: decides who is let in; today's rule has none."""

    def __init__(self, options: Options, rule: str) -> None:
        self.o, self.people = options, rule == "people"
        self.chance = random.Random(options.seed)
        self.now, self.order = 0.0, count()
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.result = Result()
        self.places = Places(most=20, line=400, transfers=64, standing=math.inf if rule == "today" else STANDING)
        self.crowd = Crowd()
        # Processor sharing: the work each of those inside has had so far, and when each is done in those terms.
        self.had, self.had_at = 0.0, 0.0
        self.jobs: list[tuple[float, int, Callable[[], None]]] = []
        self.version = 0

    # the machine

    @property
    def cores(self) -> float:
        away = self.o.away
        return self.o.cores / 2 if away and away[0] <= self.now < away[1] else self.o.cores

    def at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.events, (when, next(self.order), act))

    def _advance(self) -> None:
        if self.jobs:
            self.had += (self.now - self.had_at) * min(1.0, self.cores / len(self.jobs))
        self.had_at = self.now

    def run(self, cost: float, done: Callable[[], None]) -> None:
        self._advance()
        heapq.heappush(self.jobs, (self.had + cost, next(self.order), done))
        self._next_job()

    def _next_job(self) -> None:
        self.version += 1
        if not self.jobs:
            return
        version = self.version
        speed = min(1.0, self.cores / len(self.jobs))
        self.at(self.now + max(0.0, self.jobs[0][0] - self.had) / speed, lambda: self._job_done(version))

    def _job_done(self, version: int) -> None:
        if version != self.version:
            return
        self._advance()
        _, _, done = heapq.heappop(self.jobs)
        self._next_job()
        done()

    # the door

    def request(self, who: "Person", step: str, answered: Callable[[int | None], None]) -> None:
        """One request; `answered` gets None for an answer, or the seconds after which to come again."""
        cost, priority = COST[step]
        bucket = int(self.now / BUCKET)
        if not self.people and step == "look_over":
            priority = Priority.READ

        def refuse(seconds: int) -> None:
            self.result.refusals[bucket] += 1
            self.run(REFUSAL, lambda: self.at(self.now + PAUSE, lambda: answered(seconds)))

        if self.people and priority is not Priority.SUBMIT:
            kind = (
                Class.NEW if not who.signed_in else Class.TYPING if priority is Priority.WRITE else Class.GOING_ON
            )
            place = self.crowd.ask(who.name, kind, who.first, self.now)
            if place is not None:
                who.knows_place = True
                refuse(again(place.seconds, self.chance.random()))
                return
        shed = self._shed_after
        since = self.now

        def let_in() -> None:
            waited = self.now - since
            self.result.waits[int(self.now / BUCKET)].append(waited)
            if self.people:
                self.crowd.level.note(waited)

            def done() -> None:
                self.places.leave(priority, self.now)
                self.result.useful[int(self.now / BUCKET)] += cost
                if self.people:
                    if step == "submit":
                        self.crowd.done(who.name)
                    elif priority is not Priority.SUBMIT:
                        self.crowd.seen(who.name, self.now)
                self.at(self.now + PAUSE, lambda: answered(None))

            self.run(cost, done)

        if self.places.enter(priority):
            let_in()
            return

        def told(admitted: bool) -> None:
            if admitted:
                let_in()
            else:
                refuse(shed())

        mine = self.places.wait(priority, self.now, told)
        if mine is None:
            refuse(shed())
            return

        def out_of_patience() -> None:
            if not mine.over:
                if self.people:
                    self.crowd.level.note(PATIENCE[priority])
                self.places.give_up(mine)
                refuse(shed())

        self.at(self.now + PATIENCE[priority], out_of_patience)

    def _shed_after(self) -> int:
        if not self.people:
            return self.chance.randint(2, 8)
        return again(0.0, self.chance.random())

    # the night

    def play(self) -> Result:
        late = max(1, round(self.o.people / 100))
        for number in range(self.o.people):
            share = (number - late + self.chance.random()) / (self.o.people - late)
            end = (
                self.o.close + self.chance.uniform(1, 3)
                if number < late
                else (self.o.close - self.o.minutes * 60 * (1 - share ** (1 / 3)) - 0.5)
            )
            Person(self, f"{number}", end)
        if self.o.away:
            for instant in self.o.away:
                self.at(instant, self._cores_changed)
        if self.people:
            self.at(1.0, self._judge)
        until = self.o.close + 600
        while self.events:
            when, _, act = heapq.heappop(self.events)
            if when > until:
                break
            self.now = when
            act()
        slow = [b for b, waits in self.result.waits.items() if sum(waits) / len(waits) > 0.1]
        self.result.itself_again = max(0.0, (max(slow) + 1) * BUCKET - self.o.close) if slow else 0.0
        return self.result

    def _cores_changed(self) -> None:
        self._advance()
        self._next_job()

    def _judge(self) -> None:
        self.crowd.judge(self.now)
        bucket = int(self.now / BUCKET)
        self.result.in_line[bucket], self.result.inside[bucket] = self.crowd.in_line, self.crowd.inside
        if self.now < self.o.close + 600:
            self.at(self.now + 1.0, self._judge)


class Person:
    """One enterprise's evening: each step when it is due, or when the one before has been answered."""

    def __init__(self, night: Night, name: str, end: float) -> None:
        self.night, self.name = night, name
        self.first, self.signed_in, self.knows_place = 0.0, False, False
        self.ticket: float | None = None
        # Whether 提交申请 was opened in time with everything saved.
        self.counts = False
        self.steps: Iterator[tuple[float, str]] = iter(self._plan(end))
        self._next()

    def _plan(self, end: float) -> list[tuple[float, str]]:
        o, chance = self.night.o, self.night.chance
        last = o.close - o.minutes * 60
        until = min(end, o.close)
        begin = chance.uniform(0, last + (until - last) * 0.5)
        names = ["sign_in", "projects", "create"]
        names += ["open", "autosave", "autosave", "attach", "save"] * SECTIONS
        names += ["look_over"]
        pause = (end - begin) / len(names)
        plan = [(begin + (n + chance.uniform(0, 0.5)) * pause, name) for n, name in enumerate(names)]
        plan += [
            (end, "submit"),
            (end + 0.5, "receipt"),
            (end + 1, "projects"),
            (end + 1.5, "pdf"),
            (end + 5, "pdf"),
        ]
        self.first = plan[0][0]
        return plan

    def _next(self) -> None:
        found = next(self.steps, None)
        if found is not None:
            due, step = found
            self.night.at(max(due, self.night.now), lambda: self._begin(due, step))

    def _begin(self, due: float, step: str) -> None:
        night = self.night
        began = night.now
        before_close = night.now <= night.o.close
        if step in {"look_over", "submit"} and self.ticket is None and before_close:
            # The first arrival with everything saved: under the rule of today only that of the POST counts.
            if step == "look_over":
                night.result.in_time += 1
                self.counts = True
            if night.people or step == "submit":
                self.ticket = began
        if step != "receipt" and step != "pdf" and not before_close and self.ticket is None and step != "projects":
            if step == "submit" and self.counts:
                night.result.missed += 1
            elif step != "submit" or not self.counts:
                night.result.lost += not self.knows_place
            return
        tried = began

        def answered(seconds: int | None) -> None:
            if seconds is None:
                if step == "sign_in":
                    self.signed_in = True
                if step == "submit":
                    night.result.taken += 1
                    night.result.submit_took.append(night.now - due)
                self._next()
                return
            patience = LINE_SECONDS if self.knows_place else TRIES_SECONDS
            ticket = self.ticket is not None and step in {"look_over", "submit"}
            over = night.now - tried > (600 if ticket else patience)
            closed = night.now > night.o.close and not ticket and step not in {"receipt", "pdf", "projects"}
            if over or closed:
                if ticket or (self.counts and step in {"look_over", "submit"}):
                    night.result.missed += 1
                return
            night.at(night.now + seconds, lambda: night.request(self, step, answered))

        night.request(self, step, answered)
