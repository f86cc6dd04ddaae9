"""The curves of a soak as a picture: SVG, written by hand, for a light and for a dark page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from statistics import median

from tests.soak.flatness import slope

COLUMNS, WIDTH, HEIGHT = 2, 500, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 86, 34, 30
TICKS = 4
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a page: its ground, its text, its lines, what is shaded, and the curves in their order."""

    name: str
    ground: str
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
    """One diagram: curves over the same minutes; of a judged one the second half is shaded and its slope drawn."""

    title: str
    minutes: Sequence[float]
    curves: Mapping[str, Sequence[float]]
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a panel's figures stand in the picture."""

    left: float
    top: float
    minutes: float
    most: float

    def x(self, minute: float) -> float:
        """Returns the place of a moment."""
        return self.left + LEFT + minute / self.minutes * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Returns the place of a value; all axes begin at 0."""
        return self.top + HEIGHT - BOTTOM - value / self.most * (HEIGHT - TOP - BOTTOM)


def rendered(panels: Sequence[Panel], theme: Theme) -> str:
    """Draws panels in two columns."""
    rows = ceil(len(panels) / COLUMNS)
    width, height = COLUMNS * WIDTH, rows * HEIGHT
    parts = [part for n, panel in enumerate(panels) for part in _panel(panel, n, theme)]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' font-family="system-ui, sans-serif" font-size="12" fill="{theme.text}">',
            f'<rect width="{width}" height="{height}" fill="{theme.ground}"/>',
            *parts,
            "</svg>\n",
        )
    )


def _panel(panel: Panel, place: int, theme: Theme) -> Iterator[str]:
    step = nice(max(max(values) for values in panel.curves.values()) / TICKS)
    most = step * max(1, ceil(max(max(values) for values in panel.curves.values()) * 1.001 / step))
    frame = Frame(place % COLUMNS * WIDTH, place // COLUMNS * HEIGHT, panel.minutes[-1], most)
    yield _text(frame.left + LEFT, frame.top + 20, panel.title, "font-weight='600'")
    if panel.judged:
        yield _second_half(frame, panel, theme)
    yield from _axes(frame, step, theme)
    for colour, (name, values) in zip(theme.curves, panel.curves.items(), strict=False):
        points = list(zip(panel.minutes, values, strict=True))
        yield _line(frame, points, colour, "stroke-width='1.5'" + ("" if panel.judged else " stroke-opacity='0.8'"))
        yield _text(frame.x(frame.minutes) + 8, frame.y(median(values)) + 4, name, f"style='fill:{colour}'")
        if panel.judged:
            yield _trend(frame, points[len(points) // 2 :], theme)


def nice(least: float) -> float:
    """Returns the smallest of 1, 2, 5, 10, 20 ... that is not below `least`."""
    power = 10.0 ** floor(log10(least)) if least > 0 else 1.0
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)


def _axes(frame: Frame, step: float, theme: Theme) -> Iterator[str]:
    end = frame.x(frame.minutes)
    for n in range(round(frame.most / step) + 1):
        y = frame.y(n * step)
        yield f'<path d="M{frame.x(0):.1f} {y:.1f}H{end:.1f}" stroke="{theme.line}"/>'
        yield _text(frame.x(0) - 6, y + 4, f"{n * step:g}", "text-anchor='end'")
    every = nice(frame.minutes / 6)
    for n in range(floor(frame.minutes / every) + 1):
        unit = " min" if n == 0 else ""
        yield _text(frame.x(n * every), frame.y(0) + 18, f"{n * every:g}{unit}", "text-anchor='middle'")


def _second_half(frame: Frame, panel: Panel, theme: Theme) -> str:
    begin, end = frame.x(panel.minutes[len(panel.minutes) // 2]), frame.x(frame.minutes)
    top, bottom = frame.y(frame.most), frame.y(0)
    box = f'x="{begin:.1f}" y="{top:.1f}" width="{end - begin:.1f}" height="{bottom - top:.1f}"'
    return f'<rect {box} fill="{theme.shade}"/>'


def _trend(frame: Frame, points: Points, theme: Theme) -> str:
    """Draws the slope by which a curve is judged, through the middle of its points."""
    minutes, values = [minute for minute, _ in points], [value for _, value in points]
    middle, centre, rise = median(minutes), median(values), slope(minutes, values)
    ends = [(minute, centre + rise * (minute - middle)) for minute in (minutes[0], minutes[-1])]
    return _line(frame, ends, theme.text, "stroke-width='1' stroke-dasharray='4 3'")


def _line(frame: Frame, points: Points, colour: str, style: str) -> str:
    path = "L".join(f"{frame.x(minute):.1f} {frame.y(value):.1f}" for minute, value in points)
    return f'<path d="M{path}" fill="none" stroke="{colour}" {style}/>'


def _text(x: float, y: float, words: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{words}</text>'
