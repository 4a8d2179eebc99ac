"""The picture of how optimizers walk: a row a problem, a column an optimizer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hubel.training.walks.surfaces import Surface
    from hubel.training.walks.walking import Walk

__all__ = ["answer", "draw_walks", "merged", "number"]

_INK, _QUIET, _FAINT, _ACCENT = "#1f2328", "#6a7179", "#c9ced4", "#0072b2"
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.edgecolor": _FAINT,
    "axes.linewidth": 0.6,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
    "text.color": _INK,
    "svg.hashsalt": "hubel",
}
_TITLE = "How does each optimizer walk?"
_COLUMN, _ROW, _TOP = 2.0, 2.35, 1.0  # inches


def draw_walks(walks: Sequence[Walk], surfaces: dict[str, Surface], format_: str) -> bytes:
    """A self-contained picture of all walks.

    Optimizers that walked the very same ways share a column.

    Args:
        walks: of each optimizer on each problem.
        surfaces: those problems that are surfaces, by name; the others are curves of a loss.
        format_: `svg` or `png`.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    table = merged(walks)
    problems = list(next(iter(table.values())))
    width, height = _COLUMN * len(table) + 0.6, _ROW * len(problems) + _TOP
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), facecolor="white")
        _headline(figure, f"{answer(table)}.", height)
        grid: Any = figure.add_gridspec(
            len(problems), len(table), left=0.3 / width, right=1 - 0.3 / width,
            bottom=0.35 / height, top=1 - (_TOP + 0.55) / height, hspace=0.5, wspace=0.1,
        )  # fmt: skip
        for row, problem in enumerate(problems):
            column = {names: found[problem] for names, found in table.items()}
            axes = [figure.add_subplot(grid[row, place]) for place in range(len(column))]
            if problem in surfaces:
                _surface_row(axes, column, surfaces[problem])
            else:
                _curve_row(axes, column)
        return _written(figure, format_)


def merged(walks: Sequence[Walk]) -> dict[str, dict[str, Walk]]:
    """Walks by optimizers and problem; those with the same values everywhere are one entry."""
    found: dict[str, dict[str, Walk]] = {}
    for walk in walks:
        found.setdefault(walk.optimizer, {})[walk.problem] = walk
    together: dict[tuple[Any, ...], list[str]] = {}
    for name, problems in found.items():
        key = tuple((problem, walk.rate, walk.values) for problem, walk in problems.items())
        together.setdefault(key, []).append(name)
    return {" and ".join(names): found[names[0]] for names in together.values()}


def answer(table: dict[str, dict[str, Walk]]) -> str:
    """Which optimizers end lowest on which problems.

    Args:
        table: of `merged`.
    """
    won: dict[str, list[str]] = {}
    for problem in next(iter(table.values())):
        first = min(table, key=lambda names: table[names][problem].end)
        won.setdefault(first, []).append(problem)
    parts = [f"{names} on {' and '.join(problems)}" for names, problems in won.items()]
    return "Lowest at the end: " + "; ".join(parts)


def number(value: float) -> str:
    """Two digits, as people write them.

    Example:
        >>> number(0.0317), number(0.0000041), number(1e-9), number(float("inf"))
        ('0.032', '4e-06', '1e-09', 'diverged')
    """
    if not np.isfinite(value):
        return "diverged"
    return f"{value:.0e}" if 0 < value < 1e-3 else f"{value:.2g}"


def _headline(figure: Any, finding: str, height: float) -> None:
    left = 0.3 / figure.get_figwidth()
    figure.text(left, 1 - 0.32 / height, _TITLE, size=17, weight="bold")
    figure.text(left, 1 - 0.58 / height, finding, size=11)
    rule = (
        "Same start and steps, no decay, no schedule; each at the rate that ends lowest, of the "
        "same few, without leaving the frame. Rings: starts. Crosses: minima. Blue: lowest in "
        "its row."
    )
    figure.text(left, 1 - 0.8 / height, rule, size=9, color=_QUIET)


def _surface_row(axes: list[Any], column: dict[str, Walk], surface: Surface) -> None:
    steps = max(len(walk.values) for walk in column.values()) - 1
    text = f"{surface.name[0].upper()}{surface.name[1:]}: {surface.text}. {steps} steps."
    _name_row(axes[0], text)
    lowest = min(walk.end for walk in column.values())
    for axis, (names, walk) in zip(axes, column.items(), strict=True):
        _contours(axis, surface)
        best = walk.end == lowest
        color = _ACCENT if best else _INK
        x, y = np.array(walk.path).T
        axis.plot(x, y, color=color, lw=1.1, marker="o", ms=1.8, mew=0, zorder=3)
        axis.plot(*surface.start, "o", mfc="white", mec=color, ms=6, mew=1.2, zorder=4)
        axis.plot(*surface.minimum, "x", color=_INK, ms=6, mew=1.4, zorder=5)
        left, right, bottom, top = surface.window
        axis.set(xlim=(left, right), ylim=(bottom, top), yticks=[], xticks=[])
        _name(axis, names, walk, color, f"ends at {number(walk.end)}")


def _contours(axis: Any, surface: Surface) -> None:
    left, right, bottom, top = surface.window
    axis.set_rasterization_zorder(1)  # six times the same shapes would be megabytes of paths
    x, y = np.meshgrid(np.linspace(left, right, 160), np.linspace(bottom, top, 160))
    depth = np.log10(surface.value(x, y) + 1e-3)
    axis.contourf(x, y, depth, levels=12, cmap="Greys_r", alpha=0.28, zorder=0)
    axis.contour(x, y, depth, levels=12, colors="white", linewidths=0.5, zorder=0)


def _curve_row(axes: list[Any], column: dict[str, Walk]) -> None:
    first = next(iter(column.values()))
    steps = first.every * (len(first.values) - 1)
    text = (
        "Handwritten digits, a network of 64-64-64-10 numbers: the loss over all 1,797 of them, "
        f"{steps} steps of 64. The others in grey."
    )
    _name_row(axes[0], text)
    lowest = min(walk.end for walk in column.values())
    curves = {names: _curve(walk) for names, walk in column.items()}
    for place, (axis, (names, walk)) in enumerate(zip(axes, column.items(), strict=True)):
        color = _ACCENT if walk.end == lowest else _INK
        for other, (x, y) in curves.items():
            mine = other == names
            axis.plot(x, y, color=color if mine else _FAINT, lw=1.6 if mine else 0.8,
                      zorder=3 if mine else 2)  # fmt: skip
        axis.set_yscale("log")
        axis.set(xlim=(0, steps), ylim=(lowest / 1.5, 4), xticks=[0, steps // 2])
        axis.minorticks_off()
        axis.tick_params(length=2, pad=2, labelsize=7.5, labelleft=place == 0)
        axis.set_yticks([0.1, 1], ["0.1", "1"] if place == 0 else ["", ""])
        axis.spines[["top", "right"]].set_visible(False)
        if place == 0:
            axis.tick_params(axis="y", pad=1)
            axis.set_xlabel("step", color=_QUIET, labelpad=1)
        _name(axis, names, walk, color, f"loss {number(walk.end)}")


def _curve(walk: Walk) -> tuple[Any, Any]:
    return walk.every * np.arange(len(walk.values)), np.array(walk.values)


def _name_row(axis: Any, text: str) -> None:
    axis.annotate(text, (0, 1), (0, 34), "axes fraction", textcoords="offset points", size=10,
                  weight="bold", annotation_clip=False)  # fmt: skip


def _name(axis: Any, names: str, walk: Walk, color: str, end: str) -> None:
    for text, height, size, weight, shade in (
        (names, 16, 9.5, "bold", color),
        (f"rate {number(walk.rate)}, {end}", 5, 8, "normal", _QUIET),
    ):
        axis.annotate(text, (0, 1), (0, height), "axes fraction", textcoords="offset points",
                      size=size, weight=weight, color=shade, annotation_clip=False)  # fmt: skip


def _written(figure: Any, format_: str) -> bytes:
    stream = io.BytesIO()
    facts = {"Title": _TITLE} | ({"Date": None} if format_ == "svg" else {})
    figure.savefig(stream, format=format_, dpi=150, metadata=facts)
    return stream.getvalue()
