"""A small session of the simulated rig, and a page as a tree of elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

VOID = {"meta", "img", "br", "hr", "input", "link"}


@dataclass
class Element:
    """One element of a page, with what is in it."""

    name: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Element]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child

    def all(self, *names: str, **attributes: str) -> list[Element]:
        """Every element of these names below, with these attributes."""
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        return [one for one in self if one.name in names and wanted.items() <= one.attributes.items()]

    def one(self, *names: str, **attributes: str) -> Element:
        """The only such element."""
        found = self.all(*names, **attributes)
        assert len(found) == 1, f"{len(found)} of {names} {attributes}"
        return found[0]

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def has_class(self, name: str) -> bool:
        return name in self.attributes.get("class", "").split()


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("page", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag} says an attribute twice"
        made = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(page: str) -> Element:
    """The page as a tree; every element must be closed where it was opened."""
    tree = _Tree()
    tree.feed(page)
    tree.close()
    assert tree.open == [tree.root]
    return tree.root


@pytest.fixture(scope="session")
def rig_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one animal of the simulated rig, its session files, and what they use."""
    from bergmann.rig import Rig
    from bergmann.rig.simulate import simulate_demo

    folder = tmp_path_factory.mktemp("rig")
    simulate_demo(folder, (Rig(n_frames=256, powers=(5e-3,), repeats=1, n_shocks=1, capsaicin=45.0),))
    return folder / "BG042"


@pytest.fixture(scope="session")
def page_of() -> Callable[[Path], Element]:
    """The page of a session file, parsed."""
    from bergmann.plan.resolve import make_plan
    from bergmann.report.page import make_page

    return lambda path: parse(make_page(make_plan(path)))


@pytest.fixture(scope="session")
def page(rig_folder: Path, page_of: Callable[[Path], Element]) -> Element:
    """The page of the rig's session."""
    return page_of(rig_folder / "session.yaml")


@pytest.fixture
def edited(rig_folder: Path) -> Iterator[Callable[..., Path]]:
    """Write the rig's session file again beside it, with texts in it replaced."""
    made: list[Path] = []

    def edit(*pairs: tuple[str, str], name: str = "edited.yaml") -> Path:
        text = (rig_folder / "session.yaml").read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        path = rig_folder / name
        path.write_text(text, encoding="utf-8")
        made.append(path)
        return path

    yield edit
    for path in made:
        path.unlink(missing_ok=True)
