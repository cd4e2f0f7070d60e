"""Elements of HTML and SVG; here, and nowhere else, text becomes markup."""

from __future__ import annotations

from html import escape

from bergmann.report.shown import visible

_VOID = frozenset({"meta", "img", "br", "hr", "input", "link"})


class Html(str):
    """Markup that is safe to put into a page; every other text is escaped when it gets there."""

    __slots__ = ()


def text(content: object) -> Html:
    """Any text as markup that shows it, and does nothing else."""
    return content if isinstance(content, Html) else Html(escape(visible(content), quote=True))


def join(*parts: object, between: object = "") -> Html:
    """Parts behind each other, each escaped unless it is markup; None is left out."""
    return Html(text(between).join(text(part) for part in parts if part is not None))


def el(name: str, /, *children: object, **attributes: object) -> Html:
    """One element.

    Parameters
    ----------
    name : str
        Name of the element, from our own code.
    *children : object
        Texts, which are escaped, and markup; None is left out.
    **attributes : object
        ``class_`` is ``class``, ``aria_label`` is ``aria-label``; True stands alone, None and False are left out.
    """
    said = "".join(_attribute(key, value) for key, value in attributes.items())
    inner = join(*children)
    return Html(f"<{name}{said}>" if name in _VOID else f"<{name}{said}>{inner}</{name}>")


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(_number(value))}"'


def _number(value: object) -> object:
    """Coordinates of a drawing to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def table(caption: str, header: tuple[str, ...], rows: list[tuple[object, ...]], *, hide_caption: bool = False) -> Html:
    """A table with a caption, whose first column heads each row."""
    head = el("thead", el("tr", *(el("th", one, scope="col") for one in header)))
    body = el("tbody", *(el("tr", el("th", row[0], scope="row"), *(el("td", cell) for cell in row[1:])) for row in rows))
    return el(
        "div",
        el("table", el("caption", caption, class_="unseen" if hide_caption else None), head, body),
        class_="wide",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def figure(picture: Html, caption: object, *more: object, class_: str | None = None) -> Html:
    """A picture with what is to be said of it below."""
    return el("figure", picture, el("figcaption", caption), *more, class_=class_)
