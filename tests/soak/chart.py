"""Draws the curves of a soak test as SVG, for light and dark pages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from statistics import median

from tests.soak.trend import slope

COLUMNS, WIDTH, HEIGHT = 2, 500, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 86, 34, 30
TICKS = 4
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of background, text, grid lines, shaded areas and curves."""

    name: str
    background: str
    text: str
    line: str
    shade: str
    curves: tuple[str, str]


THEMES = (
    Theme("light", "#ffffff", "#24292f", "#d0d7de", "#f3f5f8", ("#0969da", "#bc4c00")),
    Theme("dark", "#0d1117", "#e6edf3", "#30363d", "#161b22", ("#58a6ff", "#f0883e")),
)


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram. If `with_trend` is set, the second half of the curves is shaded and their slope is drawn."""

    title: str
    minutes: Sequence[float]
    curves: Mapping[str, Sequence[float]]
    with_trend: bool = True


@dataclass(frozen=True, slots=True)
class Axes:
    """Converts values of a panel to coordinates; `left` and `top` are the panel's corner."""

    left: float
    top: float
    minutes: float
    maximum: float

    def x(self, minute: float) -> float:
        """Returns the x coordinate of a minute."""
        return self.left + LEFT + minute / self.minutes * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Returns the y coordinate of a value; the axis starts at 0."""
        return self.top + HEIGHT - BOTTOM - value / self.maximum * (HEIGHT - TOP - BOTTOM)


def render(panels: Sequence[Panel], theme: Theme) -> str:
    """Renders panels in two columns."""
    rows = ceil(len(panels) / COLUMNS)
    width, height = COLUMNS * WIDTH, rows * HEIGHT
    parts = [part for n, panel in enumerate(panels) for part in _panel(panel, n, theme)]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' font-family="system-ui, sans-serif" font-size="12" fill="{theme.text}">',
            f'<rect width="{width}" height="{height}" fill="{theme.background}"/>',
            *parts,
            "</svg>\n",
        )
    )


def _panel(panel: Panel, number: int, theme: Theme) -> Iterator[str]:
    step = round_step(max(max(values) for values in panel.curves.values()) / TICKS)
    maximum = step * max(1, ceil(max(max(values) for values in panel.curves.values()) * 1.001 / step))
    axes = Axes(number % COLUMNS * WIDTH, number // COLUMNS * HEIGHT, panel.minutes[-1], maximum)
    yield _text(axes.left + LEFT, axes.top + 20, panel.title, "font-weight='600'")
    if panel.with_trend:
        yield _second_half(axes, panel, theme)
    yield from _grid(axes, step, theme)
    for colour, (name, values) in zip(theme.curves, panel.curves.items(), strict=False):
        points = list(zip(panel.minutes, values, strict=True))
        yield _line(axes, points, colour, "stroke-width='1.5'" + ("" if panel.with_trend else " stroke-opacity='0.8'"))
        yield _text(axes.x(axes.minutes) + 8, axes.y(median(values)) + 4, name, f"style='fill:{colour}'")
        if panel.with_trend:
            yield _trend(axes, points[len(points) // 2 :], theme)


def round_step(least: float) -> float:
    """Returns the smallest of 1, 2, 5, 10, 20 ... that is at least `least`."""
    power = 10.0 ** floor(log10(least)) if least > 0 else 1.0
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)


def _grid(axes: Axes, step: float, theme: Theme) -> Iterator[str]:
    end = axes.x(axes.minutes)
    for n in range(round(axes.maximum / step) + 1):
        y = axes.y(n * step)
        yield f'<path d="M{axes.x(0):.1f} {y:.1f}H{end:.1f}" stroke="{theme.line}"/>'
        yield _text(axes.x(0) - 6, y + 4, f"{n * step:g}", "text-anchor='end'")
    every = round_step(axes.minutes / 6)
    for n in range(floor(axes.minutes / every) + 1):
        unit = " min" if n == 0 else ""
        yield _text(axes.x(n * every), axes.y(0) + 18, f"{n * every:g}{unit}", "text-anchor='middle'")


def _second_half(axes: Axes, panel: Panel, theme: Theme) -> str:
    begin, end = axes.x(panel.minutes[len(panel.minutes) // 2]), axes.x(axes.minutes)
    top, bottom = axes.y(axes.maximum), axes.y(0)
    box = f'x="{begin:.1f}" y="{top:.1f}" width="{end - begin:.1f}" height="{bottom - top:.1f}"'
    return f'<rect {box} fill="{theme.shade}"/>'


def _trend(axes: Axes, points: Points, theme: Theme) -> str:
    """Draws the Theil-Sen slope through the median of the points."""
    minutes, values = [minute for minute, _ in points], [value for _, value in points]
    middle, centre, rise = median(minutes), median(values), slope(minutes, values)
    ends = [(minute, centre + rise * (minute - middle)) for minute in (minutes[0], minutes[-1])]
    return _line(axes, ends, theme.text, "stroke-width='1' stroke-dasharray='4 3'")


def _line(axes: Axes, points: Points, colour: str, style: str) -> str:
    path = "L".join(f"{axes.x(minute):.1f} {axes.y(value):.1f}" for minute, value in points)
    return f'<path d="M{path}" fill="none" stroke="{colour}" {style}/>'


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{text}</text>'
