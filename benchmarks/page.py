"""Make `docs/benchmarks.md` from `benchmarks/results/*.json`.

python benchmarks/page.py            writes the page
python benchmarks/page.py --check    fails when the page is not what it would write
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from record import student

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"


def page() -> str:
    """The whole page."""
    results = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    parts = [
        "# Benchmarks",
        "Made by `python benchmarks/page.py` from `benchmarks/results/*.json`; each section names "
        "the command that measured it. Machines are shared and noisy: medians, with the least and "
        "the most.",
    ]
    for path in results:
        document = json.loads(path.read_text(encoding="utf-8"))
        measured = document["measured"]
        parts += [f"## {document['name']}", section(measured), provenance(document)]
    return "\n\n".join(parts) + "\n"


def section(measured: dict[str, Any]) -> str:
    """What is shown of one result, by what it holds."""
    if "cold" in measured.get("seconds", {}):
        return start_up(measured)
    drawers = {"near-duplicates": near_duplicates, "features": features,
               "kinds": predicted_times, "balance": balance,
               "hog and svm": hog_and_svm, "design seconds": design, "ingest": ingest,
               "reduced": reduced, "shapes": shapes, "resumed": scale}  # fmt: skip
    found = next((draw for key, draw in drawers.items() if key in measured), accuracy)
    return found(measured)


def near_duplicates(measured: dict[str, Any]) -> str:
    """Copies found and false pairs, beside a rival; seconds for many pictures."""
    found = measured["near-duplicates"]
    kinds = list(found["sides"]["hubel"]["by kind"])
    rows = [
        f"| {name} | {100 * side['recall']:.1f}% | "
        + " | ".join(f"{100 * side['by kind'][kind]:.0f}%" for kind in kinds)
        + f" | {side['false pairs']:,} | {side['seconds']:.1f} s |"
        for name, side in found["sides"].items()
    ]
    cost = found["scan milliseconds"]
    parts = [
        f"{found['pictures']:,} photographs of TrashNet and {found['copies']} copies: re-encoded "
        "(quality 30 to 90), resized (0.5 to 1.5 times), cropped to 95% of each side, brightened "
        "(1.1 to 1.3 times). A false pair shows neither a picture and its copy nor one of "
        f"{found['same scenes']} pairs of TrashNet's own that show one scene twice, as somebody "
        f"looked at them saw (Hubel finds {found['same scenes found']} of these). Seconds are for "
        "decoding, describing and comparing all.",
        f"| | copies found | {' | '.join(kinds)} | false pairs | seconds |\n"
        f"|---|---:|{'---:|' * len(kinds)}---:|---:|\n" + "\n".join(rows),
        f"At scan time a photograph takes {cost['decode']:.2f} ms to decode, "
        f"{cost['to size']:.2f} ms to bring to size, and {cost['measures and thumbnail']:.2f} ms "
        "for its measures and thumbnail (processor time).",
    ]
    if "many" in measured:
        many = measured["many"]
        each = ", ".join(f"{kind} {100 * share:.1f}%" for kind, share in many["by kind"].items())
        parts.append(
            f"{many['pictures']:,} pictures of 32 px (CIFAR-10 and copies of a part of it), two "
            f"threads, thumbnails at hand: {many['seconds']:.0f} s; copies found: "
            f"{100 * many['recall']:.1f}% ({each}). CIFAR-10 has {many['own pairs']:,} pairs of "
            "its own."
        )
    return "\n\n".join(parts)


def predicted_times(measured: dict[str, Any]) -> str:
    """Predicted seconds beside measured ones: networks, then kinds of layers."""
    parts = [
        "Times that `hubel design --machine this` predicts from graphs without weights, beside "
        "what the networks then take: one thread, processor time, medians with quartiles. The "
        "ratio is predicted to measured of the whole pass; the factor is by how much the middle "
        "layer's prediction is off, up or down. *Plain* is the same with one peak of arithmetic "
        "and one of memory, as a data sheet has them. The machine is measured anew for each row.",
        "| network | batch | measured | predicted | ratio | layers' factor | plain ratio | plain "
        "factor |\n|---|---:|---:|---:|---:|---:|---:|---:|\n"
        + "\n".join(map(_network_row, measured["networks"])),
        f"Over all {measured['layers']:,} layers the middle prediction is off by a factor of "
        f"{measured['median_factor']:.2f}. By kind of layer:",
        "| kind | layers | share of the time | median ratio |\n|---|---:|---:|---:|\n"
        + "\n".join(
            f"| {kind} | {found['layers']} | {100 * found['share']:.1f}% "
            f"| {found['median_ratio']:.2f} |"
            for kind, found in measured["kinds"].items()
        ),
        "Where it is off: maps of tens of megabytes (the first stages at batch 8) take up to six "
        "times as long where the system hands out their memory anew, page by page, which depends "
        "on what was freed before; kernels of one kind differ twofold with channels, sides and "
        "layout; elementwise operators in place are faster, since they fetch no line only to "
        "overwrite it; and what starting a small operator takes varies with what others left in "
        "the caches.",
    ]
    return "\n\n".join(parts)


def _network_row(found: dict[str, Any]) -> str:
    seconds, hubel, plain = found["measured"], found["hubel"], found["plain"]
    cells = (
        f"{1e3 * seconds['median']:,.0f} ms "
        f"({1e3 * seconds['low']:,.0f} to {1e3 * seconds['high']:,.0f})",
        f"{1e3 * hubel['predicted']:,.0f} ms",
        *(f"{x:.2f}" for x in (hubel["ratio"], hubel["median_factor"])),
        *(f"{x:.2f}" for x in (plain["ratio"], plain["median_factor"])),
    )
    return f"| {found['name']} | {found['batch']} | {' | '.join(cells)} |"


def hog_and_svm(measured: dict[str, Any]) -> str:
    """Accuracy of two ways to put HOG and a linear SVM together, and their seconds."""
    rows = [
        f"| {name} | {side['setting']} | {100 * side['accuracy']['value']:.2f}% "
        f"({100 * side['accuracy']['low']:.2f} to {100 * side['accuracy']['high']:.2f}) "
        f"| {side['features seconds']:.0f} s | {side['seconds']:.0f} s |"
        for name, side in measured["hog and svm"].items()
    ]
    gap = measured["difference"]["difference"]
    return "\n\n".join(
        [
            "HOG with cells of 4 pixels and a linear support vector machine, fitted on 60,000 "
            "pictures, scored once on 10,000. Our setting was chosen on held-out training "
            "pictures; the rival's is the plain recipe. Processor time, one thread.",
            "| | setting | right (95%) | features | features and fit |\n|---|---|---:|---:|---:|\n"
            + "\n".join(rows),
            f"Difference on the same pictures: {100 * gap['value']:.2f} points "
            f"({100 * gap['low']:.2f} to {100 * gap['high']:.2f}).",
        ]
    )


def shapes(measured: dict[str, Any]) -> str:
    """Accuracy with each way to bring pictures to size, in pairs against buckets."""
    costs = {cost["shape"]: cost for cost in measured["costs"]}
    against = {one["b"]: one for one in measured["comparisons"]}
    rows: list[str] = []
    for shape, found in measured["shapes"].items():
        right, cost = found["accuracy"], costs[shape]
        gap = "" if shape not in against else _gap(against[shape])
        rows.append(
            f"| {shape} | {100 * cost['cut']:.1f}% | {100 * cost['padded']:.1f}% "
            f"| {100 * cost['bent']:.0f}% | {100 * right['value']:.1f}% "
            f"({100 * right['low']:.1f} to {100 * right['high']:.1f}) | {gap} |"
        )
    every = measured["every picture"]
    buckets = costs["bucket"]["buckets"]
    sizes = ", ".join(f"{height} x {width}" for height, width in buckets)
    areas = [height * width / measured["size"] ** 2 for height, width in buckets]
    return "\n\n".join(
        [
            "The 2,527 photographs of TrashNet, 384 px wide and 512 high, a third of them turned "
            "by 90 degrees and a third cut to their middle, twice as wide as high. The convnet "
            "from scratch, "
            f"{measured['epochs']} epochs at an area of {measured['size']} x {measured['size']} "
            f"px, {measured['folds']} of five folds, each with a fifth of the pictures as its "
            "test; every shape has the same pictures, seeds and epochs. Differences are in "
            "points, paired, corrected for three comparisons.",
            "| shape | cut off | padded | bent | right (95%) | bucket is ahead by |\n"
            "|---|---:|---:|---:|---:|---|\n" + "\n".join(rows),
            f"Buckets: {sizes}, of {100 * min(areas):.0f}% to {100 * max(areas):.0f}% of the "
            f"others' area. Counted over every one of the {every['pictures']:,} pictures, in "
            f"whole pixels: the one that loses most loses {100 * every['most_lost']:.2f}%, the "
            f"mean is {100 * every['mean_lost']:.2f}%; the most padding is "
            f"{100 * every['most_padded']:.2f}%.",
        ]
    )


def _gap(found: dict[str, Any]) -> str:
    gap = found["difference"]
    return (
        f"{100 * gap['value']:+.1f} ({100 * gap['low']:+.1f} to {100 * gap['high']:+.1f}), "
        f"{found['verdict'].replace('a is', 'bucket is').replace('b is', 'the other is')}"
    )


def design(measured: dict[str, Any]) -> str:
    """Seconds of a design beside other tools, and what each counts."""
    meaning = {
        "hubel": '`hubel.design("resnet50")`, all that it tells, torch already imported',
        "totals": "the same without formulas and legal sizes",
        "again": "`hubel design resnet50 --json` a second time, the whole process, from its cache",
        "torchinfo": "torchinfo's summary, on the meta device",
        "fvcore": "fvcore's counter (on the CPU: it takes no meta tensors)",
        "torchinfo / totals": "ratio: torchinfo against the totals",
        "fvcore / totals": "ratio: fvcore against the totals",
    }
    counts = measured["multiply_adds"]
    tools = [tool for tool in counts["vit_b_16"] if tool != "totals"]
    rows = [
        f"| {tool} | {counts['resnet50'][tool]:,} | {counts['vit_b_16'][tool]:,} |"
        for tool in tools
    ]
    return "\n\n".join(
        [
            _seconds(meaning, measured["design seconds"]),
            "Multiply-adds that each counts, with its defaults. By hand they are 4,089,184,256 "
            "for ResNet-50 and 17,563,828,224 for ViT-B/16, without bias and normalisation:",
            "| tool | ResNet-50 | ViT-B/16 |\n|---|---:|---:|\n" + "\n".join(rows),
        ]
    )


def features(measured: dict[str, Any]) -> str:
    """Microseconds a picture of features, beside the libraries that have them."""
    rows = [
        f"Pictures of {measured['side']} px in batches of {measured['batch']}, float32, one "
        "thread; the libraries take one picture a call, as they are made to. Processor time, "
        "both sides in turn in one process: medians, with the least and the most.",
        "",
        "| feature | hubel, us a picture | beside | us a picture | ratio |",
        "|---|---:|---|---:|---:|",
    ]
    for one in measured["features"]:
        cells = (
            f"{one[side]['median']:,.0f} ({one[side]['low']:,.0f} to {one[side]['high']:,.0f})"
            for side in ("hubel", "other")
        )
        ours, theirs = cells
        rows.append(
            f"| `{one['feature']}` | {ours} | {one['beside']} | {theirs} | {one['ratio']:.1f} |"
        )
    return "\n".join(rows)


def balance(measured: dict[str, Any]) -> str:
    """Treatments of unequal classes, and ways to choose the epoch, over seeds."""
    parts: list[str] = []
    for found in measured["balance"].values():
        parts.append(
            f"{found['pictures']:,} training pictures, the largest class {found['ratio']:g} times "
            f"the smallest, {found['validation']:,} for validation, {found['test']:,} for test, "
            f"{measured['epochs']} epochs, {measured['seeds']} seeds. Means over the seeds; below, "
            "differences with Student's 95% interval over them, in points. Accuracy, log loss and "
            "calibration error are at the frequencies of the training classes, after the "
            "temperature."
        )
        parts.append(
            "| `--balance` | balanced accuracy | accuracy | macro F1 | log loss | calibration "
            "error |\n|---|---:|---:|---:|---:|---:|\n"
            + "\n".join(_treatment(*pair) for pair in found["treatments"].items())
        )
        parts.append(
            "| against `none` | balanced accuracy | accuracy |\n|---|---:|---:|\n"
            + "\n".join(
                f"| `{name}` | {_points(one['balanced_accuracy'])} | {_points(one['accuracy'])} |"
                for name, one in found["against none"].items()
            )
        )
        ways = _ways(found["against the last"])
        parts.append(
            f"Which epoch ships, of the last {found['candidates']}, against the last, over all "
            "treatments:\n\n| way | balanced accuracy | accuracy | epochs before the last |\n"
            "|---|---:|---:|---:|\n" + "\n".join(ways)
        )
    return "\n\n".join(parts)


def _treatment(name: str, found: dict[str, Any]) -> str:
    shares = (f"{100 * found[key]['mean']:.1f}%" for key in
              ("balanced_accuracy", "accuracy", "macro_f1"))  # fmt: skip
    others = (f"{found[key]['mean']:.3f}" for key in ("log_loss", "ece"))
    return f"| `{name}` | {' | '.join([*shares, *others])} |"


def _points(found: dict[str, Any]) -> str:
    low, high = 100 * found["low"], 100 * found["high"]
    return f"{100 * found['mean']:+.1f} ({low:+.1f} to {high:+.1f})"


def _ways(found: dict[str, Any]) -> list[str]:
    """Each way, as the mean over the treatments of one seed; the interval is over the seeds."""
    rows: list[str] = []
    for way in next(iter(found.values())):
        cells = [
            _points(
                student(
                    [
                        statistics.mean(each)
                        for each in zip(
                            *(one[way][metric]["values"] for one in found.values()), strict=True
                        )
                    ]
                )
            )
            for metric in ("balanced_accuracy", "accuracy")
        ]
        before = statistics.mean(one[way]["epochs before"]["mean"] for one in found.values())
        how, _, metric = way.rpartition(" ")
        limit = {"best": "", "one error": " by over one error", "two errors": " by over two"}[how]
        said = f"best {metric.replace('_', ' ')}{limit}"
        rows.append(f"| {said} | {' | '.join(cells)} | {before:.1f} |")
    return rows


def ingest(measured: dict[str, Any]) -> str:
    """Seconds of the first and the later epochs, beside ImageFolder and DataLoader."""
    rows = [
        "From class folders of JPEGs to normalised float batches, on two cores; new processes in "
        "turn, files in the page cache. *First* of Hubel's: an empty cache; list, open, hash, "
        "decode, resize, write the cache, find duplicates, draw splits, one shuffled pass. "
        "*First* of torchvision's: `ImageFolder` and `DataLoader` with `Resize(antialias=True)` "
        "to the same size, `ToTensor` and `Normalize`, the best of the numbers of workers that "
        "were tried. *Later*: the second pass of the same processes.",
        "",
        "| folder | epoch | hubel | ImageFolder and DataLoader | workers | ratio |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for name, found in measured["ingest"].items():
        for epoch in ("first", "later"):
            one = found[epoch]
            workers = one["best workers"]
            sides = (one["hubel"], one["rival"][str(workers)])
            ours, theirs = (
                f"{side['median']:.2f} s ({side['low']:.2f} to {side['high']:.2f})"
                for side in sides
            )
            title = f"{name}, {found['pictures']['hubel']:,} pictures"
            ratio = f"{one['ratio']['median']:.1f}"
            rows.append(f"| {title} | {epoch} | {ours} | {theirs} | {workers} | {ratio} |")
    return "\n".join(rows)


def reduced(measured: dict[str, Any]) -> str:
    """What decoding at reduced scale changes."""
    facts, pixels = measured["reduced"], measured["pixels"]
    names = {
        "whole": "every pixel decoded",
        "reduced": "reduced",
        "crossed": "learned from whole pictures, tested on reduced ones",
    }
    rows = ["| decoding | right | balanced accuracy less that of the first |", "|---|---:|---:|"]
    for name, title in names.items():
        gap = measured.get(f"{name} less whole")
        told = ""
        if gap is not None:
            value, low, high = (100 * gap[key] for key in ("value", "low", "high"))
            told = f"{value:+.2f} points ({low:+.2f} to {high:+.2f})"
        rows.append(f"| {title} | {100 * measured['accuracy'][name]:.2f}% | {told} |")
    return "\n".join(
        [
            f"{facts['pictures']:,} photographs at {facts['size'][0]} x {facts['size'][1]} px, "
            "JPEGs decoded whole and at reduced scale. The values (0 to 255) differ by "
            f"{pixels['mean']:.2f} on average and {pixels['most']} at most; "
            f"{100 * pixels['over 8']:.2f}% of them by more than 8. Accuracy of "
            f"`{facts['feature']}` with a logistic regression, in five folds:",
            "",
            *rows,
        ]
    )


def scale(measured: dict[str, Any]) -> str:
    """A million files that are made up: killed, gone on with, scanned again, split."""
    killed, resumed, again = (measured[name] for name in ("killed", "resumed", "again"))
    rows = [
        f"{measured['files']:,} tiny pictures of a source that is made up, one process a step. The "
        f"first was killed (SIGKILL) after {killed['seconds']:.0f} s, and {killed['files_kept']:,} "
        "files were kept.",
        "",
        "| step | files opened | scan | split | scan, checks, manifest and split | peak memory |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    steps = {"going on": resumed, "scanned again": again} | {
        name: found for name, found in measured.items() if name.startswith("split")
    }
    for name, found in steps.items():
        split = f"{found['split_seconds']:.1f} s" if "split_seconds" in found else ""
        whole = found.get("checked_and_split_seconds")
        rows.append(
            f"| {name} | {found['read']:,} | {found['scan_seconds']:.0f} s | {split} | "
            f"{'' if whole is None else f'{whole:.0f} s'} | {found['peak_mb'] / 1000:.2f} GB |"
        )
    return "\n".join(rows)


def start_up(measured: dict[str, Any]) -> str:
    """Seconds until something happens."""
    meaning = {
        "help": "`hubel --help`",
        "cold": "`hubel train` to the first batch, cold cache",
        "warm": "the same, warm cache",
        "rival": "a plain Pillow script that only reads and stacks all files",
        "rival / cold": "ratio: the plain script against the cold start",
    }
    return _seconds(meaning, measured["seconds"])


def _seconds(meaning: dict[str, str], seconds: dict[str, Any]) -> str:
    rows = ["| what | median | least | most |", "|---|---:|---:|---:|"]
    for key, found in seconds.items():
        unit = "" if "/" in key else " s"
        cells = (f"{found[name]:.2f}{unit}" for name in ("median", "low", "high"))
        rows.append(f"| {meaning[key]} | {' | '.join(cells)} |")
    return "\n".join(rows)


def accuracy(measured: dict[str, Any]) -> str:
    """Accuracy over seeds, beside the rungs."""
    found = measured["accuracy"]
    half = found["half_width_over_seeds"]
    over = f" ± {100 * half:.1f} (95%, over {measured['seeds']} seeds)" if half else ", one seed"
    each = ", ".join(f"{100 * one['value']:.1f}%" for one in found["each"])
    rows = [
        f"`--budget {measured['budget']}`: **{100 * found['mean']:.1f}%**{over} of "
        f"{measured['test pictures']:,} test pictures; each seed: {each}. "
        f"Seconds in all: {measured['seconds']['median']:.0f} "
        f"({measured['seconds']['low']:.0f} to {measured['seconds']['high']:.0f}).",
        "",
        "| rung | median | least | most |",
        "|---|---:|---:|---:|",
    ]
    for name, rung in measured["rungs"].items():
        cells = (f"{100 * rung[key]:.1f}%" for key in ("median", "low", "high"))
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def provenance(document: dict[str, Any]) -> str:
    """Where the figures are from."""
    machine, versions = document["machine"], document["versions"]
    return (
        f"<sub>`{document['command']}`, {document['date']}, commit {document['commit']}, "
        f"{machine['cores']} cores {machine['processor']}, {machine['memory_gb']} GB, "
        f"torch {versions.get('torch')}, Python {versions.get('python')}</sub>"
    )


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != page() and "docs/benchmarks.md is stale")
    PAGE.write_text(page(), encoding="utf-8")
