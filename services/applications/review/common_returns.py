"""Tell for what a type's applications were often returned in rounds that have closed: at which place, and in which words."""

from collections import defaultdict

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.review import queries
from shared import clock
from shared.contract.returns import CommonReturn

# So many opinions make a place worth a word. A text is told that so many enterprises were given alike: what a reviewer wrote to one of
# them may name somebody.
LEAST_OPINIONS, LEAST_ENTERPRISES = 20, 5
MOST_TEXTS, LONGEST = 3, 120


async def common_returns(session: AsyncSession, fund_type: str) -> list[CommonReturn]:
    """Return the places with their texts, the most frequent first. A place without such a text is left out."""
    opinions: dict[tuple[str, str], int] = defaultdict(int)
    texts: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for section, field, text, count, enterprises in await queries.opinions_of_closed_rounds(
        session, fund_type, clock.now()
    ):
        # An opinion about a field names its section.
        assert section is not None
        assert field is not None
        place, said = (section, field), " ".join(text.split())
        opinions[place] += count
        if enterprises >= LEAST_ENTERPRISES and len(said) <= LONGEST:
            texts[place].append((enterprises, said))
    return [
        CommonReturn(
            section=section,
            field=field,
            texts=[text for _, text in sorted(texts[section, field], reverse=True)[:MOST_TEXTS]],
        )
        for (section, field), count in sorted(opinions.items(), key=lambda item: -item[1])
        if count >= LEAST_OPINIONS and texts[section, field]
    ]
