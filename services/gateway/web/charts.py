"""Draw charts as SVG that stands in the page: no script, no style, words in the page's own font. A table beside says the same."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import leather
from leather import theme
from markupsafe import Markup, escape

from shared import clock

WIDTH, HEIGHT = 800, 260
# Blue and red tell apart also without colours: the second line is dashed.
LOOKS = (("#1f5fa8", "none"), ("#b3261e", "6 3"))
INK = "#595959"
# How wide a name's character is beside a bar.
CHINESE = 15

theme.background_color = "none"
theme.margin = 0.02
theme.default_line_width = 1.5
theme.legend_font_char_width = 14
for _name in ("title_color", "legend_color", "axis_title_color", "label_color"):
    setattr(theme, _name, INK)
for _name in ("title_font_family", "legend_font_family", "axis_title_font_family", "tick_font_family"):
    setattr(theme, _name, "inherit")


def over_time(label: str, series: Mapping[str, Sequence[tuple[datetime, int]]]) -> Markup:
    """Draw one or two counts over a time, each a line with a name; hours are Beijing's. All series hold the same instants."""
    chart = leather.Chart()
    for (name, points), (colour, dashes) in zip(series.items(), LOOKS, strict=False):
        here = [(at.astimezone(clock.SHANGHAI).replace(tzinfo=None), value) for at, value in points]
        chart.add_line(here, name=name, stroke_color=colour, stroke_dasharray=dashes)
    instants = [at.astimezone(clock.SHANGHAI).replace(tzinfo=None) for at, _ in next(iter(series.values()))]
    hours = [at for at in instants if at.minute == 0 and at.hour % 3 == 0]
    chart.add_x_axis(ticks=hours or instants[:1], tick_formatter=lambda at, *_: f"{at:%H:%M}")
    highest = max((value for points in series.values() for _, value in points), default=0)
    chart.add_y_scale(0, max(highest, 1))
    chart.add_y_axis(tick_formatter=lambda value, *_: f"{value:,.0f}")
    return _svg(chart, label, HEIGHT)


def before_and_after(label: str, rows: Sequence[tuple[str, float, float]]) -> Markup:
    """Draw two bars a name, what was and what would be; the first name stands at the top."""
    chart = leather.Chart()
    bars = [
        (value, f"{name}（{what}）")
        for name, before, after in rows
        for value, what in ((before, "原"), (after, "推演后"))
    ]
    chart.add_bars(bars, fill_color=lambda bar: LOOKS[1][0] if str(bar.y).endswith("（推演后）") else LOOKS[0][0])
    chart.add_x_scale(0, max((value for value, _ in bars), default=0) or 1)
    chart.add_x_axis(tick_formatter=lambda value, *_: f"{value:,.0f}")
    usual, theme.tick_font_char_width = theme.tick_font_char_width, CHINESE
    try:
        return _svg(chart, label, 60 + 26 * len(bars))
    finally:
        theme.tick_font_char_width = usual


def bars(label: str, rows: Sequence[tuple[str, float]]) -> Markup:
    """Draw a bar a name; the first name stands at the top. Nothing of nothing."""
    if not rows:
        return Markup()
    chart = leather.Chart()
    chart.add_bars([(value, name) for name, value in rows], fill_color=LOOKS[0][0])
    chart.add_x_scale(0, max((value for _, value in rows), default=0) or 1)
    chart.add_x_axis(tick_formatter=lambda value, *_: f"{value:,.0f}")
    usual, theme.tick_font_char_width = theme.tick_font_char_width, CHINESE
    try:
        return _svg(chart, label, 60 + 26 * len(rows))
    finally:
        theme.tick_font_char_width = usual


def by_day(label: str, series: Mapping[str, Sequence[tuple[date, int]]]) -> Markup:
    """Draw one or two counts of days, each a line with a name. All series hold the same days."""
    chart = leather.Chart()
    for (name, points), (colour, dashes) in zip(series.items(), LOOKS, strict=False):
        chart.add_line(list(points), name=name, stroke_color=colour, stroke_dasharray=dashes)
    days = [day for day, _ in next(iter(series.values()))]
    chart.add_x_axis(ticks=days[::2], tick_formatter=lambda day, *_: f"{day.month}-{day.day}")
    highest = max((value for points in series.values() for _, value in points), default=0)
    chart.add_y_scale(0, max(highest, 1))
    chart.add_y_axis(tick_formatter=lambda value, *_: f"{value:,.0f}")
    return _svg(chart, label, HEIGHT)


def _svg(chart: leather.Chart, label: str, height: int) -> Markup:
    svg = chart.to_svg(width=WIDTH, height=height)
    begun = f'<svg width="{WIDTH}" height="{height}"'
    assert svg.startswith(begun)
    shown = f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}"'
    return Markup(shown + svg.removeprefix(begun))  # noqa: S704 (leather escapes names)
