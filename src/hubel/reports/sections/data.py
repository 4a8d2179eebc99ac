"""What the data are and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any, cast

from hubel.data.eye import caption
from hubel.data.form import Form
from hubel.reports.answers import drawn
from hubel.reports.charts.tracks import parts
from hubel.reports.facts import ReportFacts, Table
from hubel.reports.findings import making
from hubel.reports.flaws import UNSEEN, flaw
from hubel.reports.formats import count, percent, storage, visible
from hubel.reports.sections.section import Material, Section

_COLUMNS = (
    *(
        "file",
        "label",
        "labels",
        "split",
        "group",
        "width",
        "height",
        "mode",
        "format",
        "bytes",
        "frames",
    ),
    *("problem", "error"),
)
_SPLITS = ("train", "val", "test")
_SAMPLES = 240
_NAMED_FILES = 40
_OPEN = 12
_MODES = {
    "RGB": "colour",
    "L": "grey",
    "P": "palette",
    "1": "black and white",
    "RGBA": "colour with transparency",
    "LA": "grey with transparency",
    "CMYK": "print colours",
    "YCbCr": "colour, YCbCr",
    "I;16": "16-bit grey",
    "I": "32-bit grey",
    "F": "floating-point grey",
}


Columns = dict[str, list[Any]]


def section(material: Material) -> Section | None:
    """Counts by class and split, sizes and modes, a few of each class, and the problems."""
    facts = material.facts
    if facts.manifest is None:
        return None
    used, out = _columns(facts.manifest)
    reasons = Counter(map(str, out["problem"]))
    each = _by_label(used)
    per_class = Counter(map(str, each["label"]))
    names = [*facts.classes, *sorted(set(per_class) - set(facts.classes))]
    return Section(
        id="data",
        question="What are the data, and what was left out?",
        finding=making.data(facts.manifest.num_rows, reasons, per_class),
        evidence={
            "table": _counts(each, names),
            "splits": [name for name in _SPLITS if name in used["split"]],
            "about": [*_about(used), *_costs(facts.part("shape")), *_balance(facts)],
            "samples": _samples(material, each, names) | {"shown": _how_shown(used["mode"])},
            "problems": _problems(out, reasons),
            "notes": facts.part("data").get("notes") or [],
            "flaws": [
                flaw(one, material.album)
                for one in facts.part("data").get("flaws") or []
                if one["name"] not in UNSEEN
            ],
        },
    )


def _columns(manifest: Table) -> tuple[Columns, Columns]:
    """Columns of the rows that are used, and of those that were left out."""
    problems = cast(list[Any], manifest.column("problem").to_pylist())
    used: Columns = {}
    out: Columns = {}
    for name in _COLUMNS:
        if name not in manifest.column_names:  # of an earlier version
            column: list[Any] = [None] * manifest.num_rows
        else:
            column = cast(list[Any], manifest.column(name).to_pylist())
        used[name] = [x for x, problem in zip(column, problems, strict=True) if problem is None]
        out[name] = [x for x, problem in zip(column, problems, strict=True) if problem is not None]
    return used, out


def _by_label(used: Columns) -> Columns:
    """One row a picture and label: a picture of several labels comes with each of them."""
    if all(labels is None for labels in used["labels"]):
        return used
    rows = zip(used["labels"], used["split"], used["file"], strict=True)
    each = [(label, split, file) for labels, split, file in rows for label in labels or ()]
    return dict(zip(("label", "split", "file"), map(list, zip(*each, strict=True)), strict=True))


def _counts(used: Columns, names: Sequence[str]) -> list[dict[str, Any]]:
    cells = Counter(zip(used["label"], used["split"], strict=True))
    totals = {name: sum(cells[name, split] for split in (*_SPLITS, None)) for name in names}
    most = max([1, *totals.values()])
    return [
        {
            "name": name,
            "total": totals[name],
            "splits": {split: cells[name, split] for split in _SPLITS},
            "bar": parts(
                [
                    (f"{split}: {count(cells[name, split])}", cells[name, split] / most, f"s{k}")
                    for k, split in enumerate(_SPLITS)
                ]
            ),
        }
        for name in names
    ]


def _about(used: Columns) -> list[tuple[str, str]]:
    """Sizes, shapes, modes, formats and weight, each in a line."""
    if not used["file"]:
        return []
    sizes = list(zip(used["width"], used["height"], strict=True))
    rows = [
        ("Size, pixels", _size(sizes)),
        ("Shape", _shapes(sizes)),
        ("Colour", _shares([_MODES.get(mode, str(mode)) for mode in used["mode"]])),
        ("Format", _shares([str(form) for form in used["format"]])),
        ("On disk", storage(sum(size or 0 for size in used["bytes"]))),
    ]
    groups = set(used["group"]) - {None}
    if groups:
        rows.append(("Groups", f"{count(len(groups))}, each kept on one side of a split"))
    frames = sum((n or 1) > 1 for n in used["frames"])
    volumes = any(Form.of_mode(str(mode)).kind == "volume" for mode in used["mode"])
    if volumes:
        rows.append(("Planes", _shares([f"{n:,}" for n in used["frames"]])))
    elif frames:
        rows.append(("Frames", f"{count(frames, 'picture')} with several; the first is used"))
    return rows


def _costs(shape: dict[str, Any]) -> list[tuple[str, str]]:
    return [("Brought to size", str(shape["text"]))] if shape else []


def _balance(facts: ReportFacts) -> list[tuple[str, str]]:
    """How unequal the training classes are, and what is made of it; older runs say neither."""
    imbalance = facts.part("data").get("imbalance")
    balance = facts.part("recipe").get("balance")
    rows: list[tuple[str, str]] = []
    if imbalance:
        rows.append(("Training classes", visible(str(imbalance["text"]))))
    if balance:
        rows.append(("Balance", f"{balance['value']}: {balance['why']}"))
    return rows


def _size(sizes: Sequence[tuple[int, int]]) -> str:
    if len(set(sizes)) <= 3:
        return _shares([_by(size) for size in sizes])
    middle = (round(median(w for w, _ in sizes)), round(median(h for _, h in sizes)))
    ends = (min(sizes, key=_area), max(sizes, key=_area))
    return f"median {_by(middle)}, from {_by(ends[0])} to {_by(ends[1])}"


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]:,} × {size[1]:,}"


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _shapes(sizes: Sequence[tuple[int, int]]) -> str:
    return _shares(["wide" if w > h else "tall" if h > w else "square" for w, h in sizes])


def _shares(values: Sequence[str]) -> str:
    """`RGB 99.1%, grey 0.9%`, the commonest first; one value alone is `all`."""
    common = Counter(values).most_common()
    if len(common) == 1:
        return f"{common[0][0]}, all of them"
    told = [f"{name} {percent(n / len(values))}%" for name, n in common[:5]]
    rest = sum(n for _, n in common[5:])
    return ", ".join([*told, *([f"others {percent(rest / len(values))}%"] if rest else [])])


def _samples(material: Material, used: Columns, names: Sequence[str]) -> dict[str, Any]:
    """A few pictures of each class, drawn by chance; fewer a class where there are many."""
    shown = list(names)[:_SAMPLES]
    each = min(8, max(1, _SAMPLES // max(1, len(shown))))
    files: dict[str, list[str]] = {name: [] for name in shown}
    for name, file in zip(used["label"], used["file"], strict=True):
        if name in files:
            files[name].append(file)
    rows = [
        (name, [material.album.picture(found[k]) for k in drawn(found, each)])
        for name, found in files.items()
        if found
    ]
    there = any(picture.symbol for _, pictures in rows for picture in pictures)
    return {
        "rows": rows if there else [],
        "gone": bool(rows) and not there,
        "each": each,
        "hidden": len(names) - len(shown),
    }


def _how_shown(modes: Sequence[Any]) -> str:
    """How the pictures of samples that are no plain pictures were made; empty for others."""
    said = {caption(str(mode)) for mode in modes}
    return said.pop() if len(said) == 1 else ""


def _problems(out: Columns, reasons: Counter[str]) -> list[dict[str, Any]]:
    """Reasons, the commonest first; files beyond a limit are counted."""
    groups: list[dict[str, Any]] = []
    for reason, n in reasons.most_common():
        rows = zip(out["problem"], out["file"], out["error"], strict=True)
        files = [(file, str(error or "")[:300]) for why, file, error in rows if why == reason]
        groups.append(
            {
                "reason": reason,
                "n": n,
                "files": files[:_NAMED_FILES],
                "more": max(0, n - _NAMED_FILES),
                "open": len(out["file"]) <= _OPEN,
                "first": files[0][0],
            }
        )
    return groups
