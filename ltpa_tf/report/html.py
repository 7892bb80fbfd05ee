"""Pieces of HTML. Whatever is put into a template is escaped, unless it is one itself.

Names of classes and files come from users, so no text is ever joined to HTML by hand:
`markupsafe.Markup` knows which strings are HTML already.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from markupsafe import Markup


def fill(template: str, *values: object, **named: object) -> Markup:
    """The template, as of `str.format`, with its values escaped."""
    return Markup(template).format(*values, **named)


def join(pieces: Iterable[object]) -> Markup:
    """The pieces one after another; those that are no HTML are escaped."""
    return Markup("\n").join(pieces)


def page(title: str, parts: Mapping[str, Sequence[object]]) -> Markup:
    """A whole page, which needs no other file and no network.

    Args:
        title: Its title and first heading.
        parts: Name of a section -> its title and pieces, see `section`.
    """
    here = Path(__file__).parent
    return fill(
        (here / "page.html").read_text(encoding="utf-8"),
        title=title,
        style=Markup((here / "style.css").read_text(encoding="utf-8")),
        links=join(fill('<a href="#{}">{}</a>', k, v[0]) for k, v in parts.items()),
        parts=join(section(name, *part) for name, part in parts.items()),
    )


def section(name: str, title: str, *pieces: object) -> Markup:
    """A part of the page, which the links at its top lead to by `name`."""
    return fill(
        '<section id="{0}" aria-labelledby="{0}-title">\n'
        '<h2 id="{0}-title">{1}</h2>\n{2}\n</section>',
        name,
        title,
        join(pieces),
    )


def table(
    caption: object, head: Sequence[object], rows: Iterable[Sequence[object]]
) -> Markup:
    """A table in which the first cell of each row names it; wide ones scroll alone.

    Args:
        caption: Says what is in the table.
        head: A heading for each column, "" for one that needs none; or no headings.
        rows: Of as many cells.
    """
    cells = join(
        fill('<th scope="col">{}</th>', one) if one else _cell("") for one in head
    )
    lines = [
        fill('<tr><th scope="row">{}</th>\n{}</tr>', first, join(map(_cell, rest)))
        for first, *rest in rows
    ]
    return fill(
        '<div class="wide"><table><caption>{}</caption>\n'
        "{}<tbody>\n{}\n</tbody></table></div>",
        caption,
        fill("<thead><tr>{}</tr></thead>", cells) if head else "",
        join(lines),
    )


def bar(value: float, low: float, high: float, span: tuple[float, float]) -> Markup:
    """A bar from 0 to the value, with a whisker from low to high, as wide as its cell.

    Args:
        value: In the span.
        low: Where the whisker begins.
        high: Where it ends.
        span: What the left and the right edge stand for; 0 lies in it.
    """
    left, right = span

    def x(number: float) -> float:
        return round(100 * (number - left) / ((right - left) or 1), 2)

    start, end = sorted((x(0), x(value)))
    return fill(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" '
        'aria-hidden="true"><rect class="value" x="{}" y="1" width="{}" height="8"/>'
        '<rect class="interval" x="{}" y="4" width="{}" height="2"/></svg>',
        start,
        round(end - start, 2),
        x(low),
        round(x(high) - x(low), 2),
    )


def bars(
    caption: object, first: str, values: Sequence[tuple[object, Sequence[float]]]
) -> Markup:
    """A table of means with their intervals, each with a bar, all to one scale.

    Args:
        caption: Says what is in the table.
        first: Heading of the names.
        values: Name and `[mean, low, high]` of each row.
    """
    numbers = [number for _, one in values for number in one]
    span = min(0.0, *numbers), max(0.0, *numbers)
    rows = [
        (name, bar(mean, low, high, span), f"{mean:.3f}", f"{low:.3f} to {high:.3f}")
        for name, (mean, low, high) in values
    ]
    return table(caption, (first, "", "mean", "95% interval"), rows)


def _cell(content: object) -> Markup:
    return fill("<td>{}</td>", content)
