"""A search as pictures: trials in their order, and what each hyperparameter is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hubel.reports.charts.marks import Frame, Scale, element, fitted, title
from hubel.reports.formats import percent

_ROW, _TOP = 26, 8
_NAMES = 190


@dataclass(frozen=True)
class Tried:
    """A complete trial: its number, its share of right answers, and what hovering says."""

    number: int
    value: float
    told: str


def trials_chart(trials: Sequence[Tried], best: int) -> Markup:
    """A dot for each complete trial, and a line of the best so far.

    Args:
        trials: by number.
        best: number of the best.
    """
    frame = Frame(width=440, height=250, right=16)
    x = Scale(0, max(trials[-1].number, 1), *frame.x, whole=True)
    y = fitted([trial.value for trial in trials], *frame.y, most=1.0)
    return frame.svg(
        "Out-of-fold accuracy of each trial",
        frame.axes(x, y, ("trial", "right out of fold, %"), (_whole, lambda v: percent(v, 0))),
        element("path", d=_steps(trials, x, y), class_="line c0"),
        *(
            element(
                "g",
                title(trial.told),
                element(
                    "circle",
                    cx=x(trial.number),
                    cy=y(trial.value),
                    r=6 if trial.number == best else 4,
                    class_=f"dot {'c1' if trial.number == best else 'c0'}",
                ),
            )
            for trial in trials
        ),
    )


def _whole(value: float) -> str:
    return f"{value:.0f}"


def _steps(trials: Sequence[Tried], x: Scale, y: Scale) -> str:
    best = trials[0].value
    path = f"M{x(trials[0].number):.1f} {y(best):.1f}"
    for trial in trials[1:]:
        best = max(best, trial.value)
        path += f"H{x(trial.number):.1f}V{y(best):.1f}"
    return path


def importance_chart(shares: Sequence[tuple[str, float]]) -> Markup:
    """A bar for each hyperparameter, the largest first; together they are all.

    Args:
        shares: name and share, in falling order.
    """
    frame = Frame(width=440, height=_ROW * len(shares) + 2 * _TOP, left=_NAMES)
    x = Scale(0, max(shares[0][1], 1e-9), frame.left, frame.width - 44)
    rows: list[Markup] = []
    for place, (name, share) in enumerate(shares):
        top = _TOP + _ROW * place
        look = "c1" if place == 0 else "c0"
        width = max(x(share) - frame.left, 1.0)
        rows += [
            element("text", _short(name), title(name), x=frame.left - 8, y=top + 14,
                    class_="tick end"),
            element("rect", x=frame.left, y=top + 3, width=width, height=15, rx=2,
                    fill="currentColor", class_=look),
            element("text", f"{percent(share, 0)}%", x=frame.left + width + 6, y=top + 14,
                    class_="tick"),
        ]  # fmt: skip
    return frame.svg("Importance of each hyperparameter", *rows)


def _short(name: str) -> str:
    return name if len(name) <= 27 else name[:26] + "…"
