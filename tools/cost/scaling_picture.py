"""Days of `scaling.py` as a picture: the load, the capacity that follows it, and what is throttled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from tools.cost import scaling
from tools.cost.scaling import MINUTES, Day

WIDTH, PANEL, TITLE, FOOT = 960, 190, 34, 22  # pixels
LEFT, RIGHT = 44, 20
STEP = 4  # minutes that a point stands for
HOURS_APART = 3
LOAD, CAPACITY, THROTTLED = "#1f77b4", "#2ca02c", "#d62728"
OPENING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
)
LEGEND = (("load", LOAD), ("capacity", CAPACITY), ("throttled", THROTTLED))


def picture() -> str:
    """An SVG of the days, one below the other, in one scale."""
    days = scaling.days()
    most = max(max(each.load, each.capacity) for day in days.values() for each in day.minutes)
    height = len(days) * PANEL
    lines = [
        OPENING.format(width=WIDTH, height=height),
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for number, (name, day) in enumerate(days.items()):
        lines += _panel(name, day, number * PANEL, most)
    return "\n".join([*lines, "</svg>", ""])


def _panel(name: str, day: Day, top: float, most: float) -> Iterator[str]:
    begin, end = top + TITLE, top + PANEL - FOOT
    yield f'<text x="{LEFT}" y="{top + 18}" font-size="12" font-weight="bold">{escape(_title(name, day))}</text>'
    for place, (word, colour) in enumerate(LEGEND):
        x = WIDTH - 230 + 75 * place
        yield f'<rect x="{x}" y="{top + 22}" width="9" height="9" fill="{colour}"/>'
        yield f'<text x="{x + 13}" y="{top + 30}">{word}</text>'
    yield f'<path d="M{LEFT} {begin}V{end}H{WIDTH - RIGHT}" fill="none" stroke="#888"/>'
    yield f'<text x="{LEFT - 4}" y="{begin + 8}" text-anchor="end">{most:.0f}</text>'
    yield f'<text x="{LEFT - 4}" y="{end}" text-anchor="end">0</text>'
    for hour in range(0, 25, HOURS_APART):
        yield f'<text x="{_x(hour * 60):.0f}" y="{end + 14}" text-anchor="middle">{hour}:00</text>'
    curves = (
        (THROTTLED, [each.throttled / 60 for each in day.minutes]),
        (CAPACITY, [float(each.capacity) for each in day.minutes]),
        (LOAD, [each.load for each in day.minutes]),
    )
    for colour, values in curves:
        fill = colour if colour == THROTTLED else "none"
        yield f'<polyline points="{_points(values, begin, end, most)}" fill="{fill}" stroke="{colour}"/>'


def _title(name: str, day: Day) -> str:
    bounds = f"{day.policy.least} to {day.policy.most} write units a second"
    return f"{name.capitalize()}: {bounds}, {day.throttled:,.0f} throttled"


def _points(values: Sequence[float], begin: float, end: float, most: float) -> str:
    """The most of each few minutes, so that what is short is seen."""
    tops = [max(values[minute : minute + STEP]) for minute in range(0, MINUTES, STEP)]
    places = [f"{_x(number * STEP):.0f},{end - top / most * (end - begin):.0f}" for number, top in enumerate(tops)]
    return " ".join([f"{LEFT},{end:.0f}", *places, f"{WIDTH - RIGHT},{end:.0f}"])


def _x(minute: float) -> float:
    return LEFT + minute / MINUTES * (WIDTH - LEFT - RIGHT)
