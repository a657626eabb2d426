"""Draw charts as SVG that stands in the page: no script, no style, words in the page's own font. A table beside says the same."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import leather
from leather import theme
from markupsafe import Markup, escape

from shared import clock

WIDTH, HEIGHT = 800, 260
# Blue and red tell apart also without colours: the second line is dashed.
LOOKS = (("#1f5fa8", "none"), ("#b3261e", "6 3"))
INK = "#595959"

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
    svg = chart.to_svg(width=WIDTH, height=HEIGHT)
    begun = f'<svg width="{WIDTH}" height="{HEIGHT}"'
    assert svg.startswith(begun)
    shown = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}"'
    return Markup(shown + svg.removeprefix(begun))  # noqa: S704 (leather escapes names)
