"""A page as its parser sees it: enough to say whether it is well made."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


@dataclass
class Page:
    """Elements with their attributes, ids, texts by element, and faults of the nesting."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, html: str) -> Page:
        """Parse a whole document."""
        page = cls()
        parser = _Parser(page)
        parser.feed(html)
        parser.close()
        page.faults += [f"<{name}> is not closed" for name in parser.open]
        return page

    def values(self, attribute: str) -> list[str]:
        """Every value of an attribute, in order."""
        return [found[attribute] or "" for _, found in self.elements if attribute in found]

    def sections(self) -> list[str]:
        """Ids of the sections, in order."""
        return [found["id"] or "" for name, found in self.elements if name == "section"]

    def text(self) -> str:
        """All that is read, with white space made single."""
        shown = (text for name, text in self.texts if name not in ("style", "script"))
        return " ".join(" ".join(shown).split())


class _Parser(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page, self.open = page, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, dict(attrs)))
        if len(dict(attrs)) != len(attrs):
            self.page.faults.append(f"<{tag}> repeats an attribute")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.page.faults.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.page.texts.append((self.open[-1] if self.open else "", data))
