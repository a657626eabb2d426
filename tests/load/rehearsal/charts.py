"""Line charts as inline SVG: nothing is loaded, nothing runs."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 880, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 14, 46
COLOURS = ("#b3261e", "#1f5fa8", "#2e7d32", "#8a5a00", "#6a3fa0", "#00796b", "#5d4037", "#455a64", "#c2185b")

Series = dict[str, Sequence[tuple[float, float]]]


def lines(series: Series, *, unit: str, mark: float | None = None, mark_label: str = "") -> str:
    """One chart: seconds across, `unit` upwards, a vertical line at `mark`."""
    points = [point for each in series.values() for point in each]
    if not points:
        return "<p>没有数据。</p>"
    right = max(x for x, _ in points) or 1.0
    top = _round_up(max((y for _, y in points), default=1.0))
    across = WIDTH - LEFT - RIGHT
    up = HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> str:
        return f"{LEFT + across * x / right:.1f},{TOP + up * (1 - y / top):.1f}"

    parts = []
    for step in range(5):
        y = TOP + up * step / 4
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_short(top * (4 - step) / 4)}</text>'
        )
    for step in range(7):
        x = LEFT + across * step / 6
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 26}" text-anchor="middle">{_short(right * step / 6)}</text>')
    if mark is not None and mark <= right:
        x = LEFT + across * mark / right
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x - 4:.1f}" y="{TOP + 12}" text-anchor="end">{escape(mark_label)}</text>')
    for colour, each in zip(_colours(), series.values(), strict=False):
        path = " ".join(place(x, y) for x, y in each)
        parts.append(f'<polyline points="{path}" stroke="{colour}"/>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">秒</text>')
    parts.append(f'<text x="4" y="{HEIGHT - 8}">{escape(unit)}</text>')
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for colour, name in zip(_colours(), series, strict=False)
    )
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape("、".join(series))}">'
        f"{''.join(parts)}</svg><figcaption>{legend}</figcaption></figure>"
    )


def _colours() -> list[str]:
    return list(COLOURS) * 3


def _round_up(value: float) -> float:
    if value <= 0:
        return 1.0
    size = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next(step * size for step in (1, 2, 3, 4, 5, 6, 8, 10, 20) if step * size >= value)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
