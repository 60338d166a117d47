"""The dashboard as a picture, drawn from its definition: where things stand, what they are called, and in which unit.

The curves are made up. `python -m tools.monitoring.draw prod dashboard.svg` writes the picture of a stage's.
"""

import math
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from tools import stages
from tools.monitoring import dashboard
from tools.refusal import Refusal, complain

COLUMN, ROW, MARGIN = 50, 26, 8  # pixels
LEGEND_HEIGHT, TITLE_HEIGHT, AXIS_WIDTH = 12, 22, 16
LETTER_WIDTH = 5.2
POINTS = 13
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#17becf")
OPENING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="9">'
)


def picture(body: Mapping[str, Any], stage: str) -> str:
    """An SVG of a dashboard's body as CloudWatch takes it."""
    widgets = body["widgets"]
    height = max(each["y"] + each["height"] for each in widgets) * ROW
    width = dashboard.COLUMNS * COLUMN
    opening = OPENING.format(width=width, height=height, size='font-size="9"')
    lines = [opening, f'<rect width="{width}" height="{height}" fill="#f2f3f3"/>']
    for each in widgets:
        lines += _heading(each) if each["type"] == "text" else _graph(each)
    return "\n".join([*lines, "</svg>", ""]).replace("${Stage}", stage)


def _heading(widget: Mapping[str, Any]) -> Iterator[str]:
    words = widget["properties"]["markdown"].lstrip("# ")
    yield _text(MARGIN, widget["y"] * ROW + ROW * 0.7, words, 'font-size="15" font-weight="bold"')


def _graph(widget: Mapping[str, Any]) -> Iterator[str]:
    properties = widget["properties"]
    x, y = widget["x"] * COLUMN + 3, widget["y"] * ROW + 3
    width, height = widget["width"] * COLUMN - 6, widget["height"] * ROW - 6
    legend = [*_legend([_label(each) for each in properties["metrics"]], width - 2 * MARGIN)]
    bottom = y + height - MARGIN - LEGEND_HEIGHT * (1 + max(line for _, line, _ in legend))
    left, top, right = x + AXIS_WIDTH + MARGIN, y + TITLE_HEIGHT + 6, x + width - MARGIN
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="#fff" stroke="#d5dbdb"/>'
    yield _text(x + MARGIN, y + 15, properties["title"], 'font-size="11" font-weight="bold"')
    unit, middle = properties["yAxis"]["left"]["label"], (top + bottom) / 2
    turned = f'transform="rotate(-90 {x + 12} {middle:g})"'
    yield _text(x + 12, middle, unit, f'fill="#687078" text-anchor="middle" {turned}')
    yield f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#aab7b8"/>'
    for number, (label, line, offset) in enumerate(legend):
        colour = COLOURS[number % len(COLOURS)]
        points = _curve(properties["title"] + label, number, (left, top, right, bottom))
        yield f'<polyline points="{points}" fill="none" stroke="{colour}"/>'
        place = bottom + LEGEND_HEIGHT * (line + 1)
        yield f'<rect x="{x + MARGIN + offset:.0f}" y="{place - 6}" width="7" height="7" fill="{colour}"/>'
        yield _text(x + MARGIN + offset + 10, place, label, 'fill="#545b64"')


def _label(metric: list[Any]) -> str:
    """What the curve is called; one that is looked up when it is shown says what is looked for."""
    said: dict[str, str] = metric[-1]
    return said["label"] if "label" in said else said["expression"].partition('MetricName="')[2].partition('"')[0]


def _legend(labels: list[str], width: float) -> Iterator[tuple[str, int, float]]:
    """Each label with its line and its place in it."""
    line, offset = 0, 0.0
    for label in labels:
        needed = 20 + len(label) * LETTER_WIDTH
        if offset and offset + needed > width:
            line, offset = line + 1, 0.0
        yield label, line, offset
        offset += needed


def _curve(name: str, number: int, frame: tuple[float, float, float, float]) -> str:
    """A made-up day, always the same for the same name, the first curves higher than the last."""
    left, top, right, bottom = frame
    phase = zlib.crc32(name.encode()) % 628 / 100
    level = 0.75 / (1 + number / 2)
    points = []
    for step in range(POINTS):
        share = step / (POINTS - 1)
        value = level * (0.75 + 0.2 * math.sin(2 * math.pi * share + phase) + 0.05 * math.sin(11 * share + phase))
        points.append(f"{left + share * (right - left):.0f},{bottom - value * (bottom - top):.0f}")
    return " ".join(points)


def _text(x: float, y: float, words: str, style: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>'


def main(arguments: list[str]) -> int:
    """Draw; the exit code."""
    if len(arguments) != 2:  # noqa: PLR2004 - the stage and the file
        return complain("usage: python -m tools.monitoring.draw STAGE FILE.svg")
    stage, file = arguments
    try:
        Path(file).write_text(picture(dashboard.body(), stages.read(stage).name), "utf-8")
    except Refusal as refusal:
        return complain(str(refusal), code=1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
