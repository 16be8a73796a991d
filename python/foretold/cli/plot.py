"""The ratio-speed picture of ``foretold bench --plot``."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from foretold.errors import ForetoldError

from .console import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

Point: TypeAlias = tuple[float, float, str]
"""Speed, bits per byte, name."""

__all__ = ["draw", "picture", "require_matplotlib", "save"]


def require_matplotlib() -> None:
    """Complains, before anything is measured, if nothing can be drawn."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise ForetoldError("--plot needs matplotlib: pip install 'foretold[peers]'") from None


CHARTS = (("compress_mb_s", "compression"), ("decompress_mb_s", "decompression"))
"""Column and title of each chart that a file gets."""
MB_S = "content, 10^6 bytes a second (faster is right)"


def draw(
    rows: list[dict[str, Any]],
    path: Path,
    charts: Sequence[tuple[str, str]] = CHARTS,
    speed_label: str = MB_S,
) -> None:
    """Draws :func:`picture` into a file, whose suffix decides the kind.

    The same rows give the same SVG: it has no date, and its names are not drawn by chance.
    """
    save(picture(rows, charts, speed_label), path)


def save(figure: Figure, path: Path) -> None:
    """Writes a picture; an SVG without a date and with names that are not drawn by chance."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "foretold"}):
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=130, metadata=metadata)


def picture(
    rows: list[dict[str, Any]],
    charts: Sequence[tuple[str, str]] = CHARTS,
    speed_label: str = MB_S,
) -> Figure:
    """Bits per byte over speed: for each file a row of charts, by default one for each direction.

    Parameters
    ----------
    rows : list of dict
        As saved by ``foretold bench``; rows without figures are left out.
    charts : sequence of (str, str)
        The columns that hold speeds, and what to call them.
    speed_label : str
        What the columns count.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [row for row in rows if not row["error"] and row["bits_per_byte"]]
    files = list(dict.fromkeys((row["file"], row["sha256"]) for row in rows)) or [("nothing measured", "")]
    width = 13 if len(charts) > 1 else 9
    figure = Figure(figsize=(width, 5.4 * len(files)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(files), len(charts), squeeze=False, sharey="row")
    drawn = []
    for line, (name, digest) in zip(grid, files, strict=True):
        mine = [row for row in rows if (row["file"], row["sha256"]) == (name, digest)]
        for axes, (column, title) in zip(line, charts, strict=True):
            drawn.append((axes, _one(axes, mine, column)))
            axes.set_xlabel(speed_label)
            axes.set_title(f"{printable(name)}: {title}".replace("$", r"\$"))
    # Labels are placed when the axes have their final shape.
    figure.canvas.draw()
    for axes, points in drawn:
        _label(axes, points)
    return figure


def _one(axes: Axes, rows: list[dict[str, Any]], column: str) -> list[Point]:
    """Draws the points of one file in one direction; presets of one codec are joined."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for place, codec in enumerate(dict.fromkeys(row["line"] for row in rows)):
        points = [row for row in rows if row["line"] == codec and row[column]]
        points.sort(key=lambda row: row["bits_per_byte"])
        ours = codec == "foretold"
        axes.plot(
            [row[column] for row in points],
            [row["bits_per_byte"] for row in points],
            color="C3" if ours else f"C{[0, 1, 2, 4, 5, 6, 7, 8, 9][place % 9]}",
            marker="o" if ours else "s",
            markersize=7 if ours else 5,
            linewidth=1.5,
            zorder=3 if ours else 2,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda speed, _: f"{speed:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(0.15)
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.set_ylabel("bits per byte (smaller is down)")
    axes.yaxis.set_tick_params(labelleft=True)
    return [(row[column], row["bits_per_byte"], row["engine"]) for row in rows if row[column]]


# Where a label may stand, in points from its marker: near before far, beside before above.
_PLACES = [
    (radius * x, radius * y)
    for radius in (9, 16, 26, 38, 52, 70)
    for x, y in ((1, 0), (-1, 0), (0.8, 0.8), (-0.8, 0.8), (0.8, -0.8), (-0.8, -0.8), (0, 1), (0, -1))
]


def _label(axes: Axes, points: list[Point]) -> None:
    """Names the points, each label where it covers no other label, no marker, and little of our line.

    Greedy, lowest first: those are the ones the picture is about. A label away from its marker
    gets a line to it.
    """
    from matplotlib.transforms import Bbox

    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    frame = axes.get_window_extent(renderer)
    pixel = axes.figure.dpi / 72
    taken: list[Bbox] = []
    for speed, bits, _ in points:
        x, y = axes.transData.transform((speed, bits))
        taken.append(Bbox.from_bounds(x - 4 * pixel, y - 4 * pixel, 8 * pixel, 8 * pixel))
    line = _along(axes, [point for point in points if point[2].startswith("foretold")])
    for speed, bits, name in sorted(points, key=lambda point: point[1]):
        label = axes.annotate(
            name,
            (speed, bits),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=8.5,
            color="C3" if name.startswith("foretold") else "0.15",
            fontweight="bold" if name.startswith("foretold") else "normal",
            va="center",
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3},
            zorder=4,
        )
        best = None
        for dx, dy in _PLACES:
            label.set_position((dx, dy))
            label.set_horizontalalignment("left" if dx > 0 else "right" if dx < 0 else "center")
            box = _text_box(label, renderer)
            outside = not (
                frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            )
            cost = float(sum(box.overlaps(other) for other in taken) + outside)
            cost += 0.02 * sum(box.contains(x, y) for x, y in line)
            if best is None or cost < best[0]:
                best = cost, (dx, dy), label.get_horizontalalignment(), box
            if cost == 0:
                break
        assert best is not None
        _, place, side, box = best
        label.set_position(place)
        label.set_horizontalalignment(side)
        taken.append(box)


def _along(axes: Axes, points: list[Point]) -> list[tuple[float, float]]:
    """Places on the line that joins the points, a few pixels apart, as the canvas counts them."""
    corners = axes.transData.transform(
        [(speed, bits) for speed, bits, _ in sorted(points, key=lambda point: point[1])] or [(1, 1)]
    )
    return [
        (x0 + (x1 - x0) * part / 20, y0 + (y1 - y0) * part / 20)
        for (x0, y0), (x1, y1) in pairwise(corners)
        for part in range(21)
    ]


def _text_box(label: Annotation, renderer: Any) -> Bbox:
    """Where the text stands, without the line to its marker."""
    from matplotlib.text import Text

    label.update_positions(renderer)
    return Text.get_window_extent(label, renderer).padded(1)
