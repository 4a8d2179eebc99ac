"""How to run it again, and use it."""

from __future__ import annotations

import json
import shlex

from hubel.reports.sections.section import Material, Section


def section(material: Material) -> Section | None:
    """The exact commands; absent where the run says neither its command nor a classifier."""
    facts = material.facts
    again = shlex.join(str(word) for word in facts.run.get("command") or ())
    commands: list[tuple[str, str, str]] = []
    if again:
        commands.append(("Run it again", again, "sh"))
    folder, code = str(facts.folder), facts.part("code").get("name")
    predict = ["hubel", "predict", folder, "picture.jpg", *(["--code", str(code)] if code else [])]
    given = f", code={json.dumps(code, ensure_ascii=False)}" if code else ""
    if facts.classifier is not None:
        commands += [
            ("Name a picture", shlex.join(predict), "sh"),
            (
                "From Python",
                "import hubel\n\n"
                f"classifier = hubel.load({json.dumps(folder, ensure_ascii=False)}{given})\n"
                'classifier.predict("cat.jpg")',
                "python",
            ),
        ]
    if not commands:
        return None
    return Section(
        id="use",
        question="How do I run it again, and use it?",
        finding=_finding(bool(again), facts.classifier is not None, _seed(material)),
        evidence={"commands": commands},
    )


def _seed(material: Material) -> str:
    entry = material.facts.part("recipe").get("seed")
    return f" with seed {entry['value']}" if entry else ""


def _finding(again: bool, usable: bool, seed: str) -> str:
    repeat = f"This command makes the run again{seed}" if again else ""
    if not usable:
        return f"{repeat}; there is no classifier to use yet."
    use = "the folder holds all that naming a picture needs"
    return f"{repeat}; {use}." if repeat else f"{use[0].upper()}{use[1:]}."
