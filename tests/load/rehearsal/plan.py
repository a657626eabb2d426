"""Who does what when. Arrivals follow a schedule that knows nothing of how fast the system answers, so that a system
that makes people wait cannot hide it by being asked less."""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from shared.text.identifiers import uscc

# A submission's instant within the last minutes is D·u^(1/3): its rate grows with the square of time and is three times the mean at the end.
STEEPNESS = 3
PEAK_FACTOR = float(STEEPNESS)
# What two cores carry of, in enterprises a minute of those in which everybody submits: the last night that ended without a refusal.
BEST_A_MINUTE = 200
# The cores that were away are back for the last minute.
LAST_MINUTE = 60.0
PASSWORD = "Yanlian#2024"
SECTIONS = ("contact", "company", "project_content", "fund_plan", "social_benefit", "commitment")
_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True)
class Options:
    """The size of the night."""

    enterprises: int = 2000
    # The last minutes, in which everybody submits; and how many times as long people have been at it before. Nobody fills
    # in six materials and fetches six files within the ten minutes in which two thousand submit.
    minutes: float = 10.0
    before: float = 2.0
    # The share that comes too late, and the share that a reviewer returns.
    late: float = 0.01
    returned: float = 0.05
    # Each enterprise's largest file, in MB; sizes in between are spread evenly on a logarithmic scale.
    smallest_mb: float = 2.0
    largest_mb: float = 19.0
    autosaves: int = 2
    # Nobody submits in the last instant before the round closes: what leaves a browser then may arrive after it.
    last_seconds: float = 0.5
    # That many times what two cores carry, instead of a number of enterprises.
    overload: float = 0.0
    # So many cores for the crowd alone, the rest for the system; 0: both share all of them.
    crowd_cores: int = 0
    # So many seconds, up to a minute before the close, in which the system has half of its cores.
    away: float = 0.0
    # Gateways that share the port; so many seconds before the close one of them is killed; 0: none.
    gateways: int = 1
    kill_gateway: float = 0.0
    # Once everybody has gone home the round is extended by so many minutes for whoever had begun; 0: not.
    extend: float = 0.0
    seed: int = 1

    @property
    def people(self) -> int:
        """How many enterprises."""
        return round(self.overload * BEST_A_MINUTE * self.minutes) or self.enterprises

    @property
    def last(self) -> float:
        """Seconds from the beginning until the first may submit."""
        return self.before * self.minutes * 60

    @property
    def away_between(self) -> tuple[float, float]:
        """From when to when half of the cores are away."""
        ends = self.seconds - LAST_MINUTE
        return ends - self.away, ends

    @property
    def seconds(self) -> float:
        """Seconds from the beginning until the round closes."""
        return self.last + self.minutes * 60


@dataclass(frozen=True)
class Enterprise:
    """One applicant."""

    number: int
    username: str
    uscc: str
    name: str
    file_bytes: int
    # Seconds from the beginning to each step: (step, argument, at).
    steps: tuple[tuple[str, str, float], ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def code(number: int) -> str:
    """A 统一社会信用代码 nobody has, with a right check character."""
    body = f"91110199MA{number:07d}"
    for letter in _LETTERS:
        try:
            return uscc(body + letter)
        except ValueError:
            continue
    raise AssertionError(body)


def enterprises(options: Options) -> list[Enterprise]:
    """All of them, the same for the same options."""
    chance = random.Random(options.seed)
    late = min(options.people - 1, max(1, round(options.people * options.late)))
    found = []
    for number in range(options.people):
        username = f"yanlian{number:05d}"
        ratio = options.largest_mb / options.smallest_mb
        size = int(options.smallest_mb * ratio ** chance.random() * 1024 * 1024)
        if number < late:
            end, last = options.seconds + chance.uniform(1.0, 3.0), "submit_late"
        else:
            # Evenly through the distribution, so that small crowds have its shape, too.
            place = (number - late + chance.random()) / (options.people - late)
            while_open = options.seconds - options.last - options.last_seconds
            end, last = options.last + while_open * place ** (1 / STEEPNESS), "submit"
        steps = tuple(_steps(options, chance, end, last))
        name = f"北京演练工艺美术品有限公司{number:05d}"
        found.append(Enterprise(number, username, code(number), name, size, steps))
    return found


def _steps(options: Options, chance: random.Random, end: float, last: str) -> Iterator[tuple[str, str, float]]:
    """An evening: sign in, fill in, look it over, submit, wait for the PDF. Who begins last has half of the last minutes
    for all of it."""
    until = min(end, options.seconds)
    begin = chance.uniform(0, options.last + (until - options.last) * 0.5)
    names: list[tuple[str, str]] = [("sign_in", ""), ("projects", ""), ("create", "")]
    for section in SECTIONS:
        names.append(("open", section))
        names += [("autosave", section)] * options.autosaves
        names += [("attach", section), ("save", section)]
    names.append(("look_over", ""))
    pause = (end - begin) / len(names)
    for place, (step, argument) in enumerate(names):
        yield step, argument, begin + (place + chance.uniform(0, 0.5)) * pause
    yield last, "", end
    if last == "submit":
        yield "receipt", "", end + 0.5
        yield "projects", "", end + 1.0
        # Last: who waits for it does nothing else meanwhile, and nothing else counts the waiting as its own.
        yield "pdf", "", end + 1.5


def returns(options: Options) -> list[float]:
    """When the reviewer returns one, in seconds from the beginning."""
    count = max(1, round(options.people * options.returned))
    begin, end = options.last + (options.seconds - options.last) * 0.3, options.seconds
    return [begin + (end - begin) * (place + 0.5) / count for place in range(count)]
