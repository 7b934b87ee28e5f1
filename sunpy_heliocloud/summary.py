"""What an object says of itself, as text for terminals and as HTML for notebooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from sunpy_heliocloud.text import LONGEST, inert, shown_url

__all__ = ["Summarised", "Summary", "table_html"]

# Labels of text are as wide, so that their values line up.
_LABEL = 9
_MOST_ROWS = 100
# Colours are those of the page around, but for the field of view; so they follow notebooks' themes, dark and light.
_STYLE = """<style>
.shc-summary {--shc-field: #b3541e; color: inherit; font-size: 0.93em; line-height: 1.45; max-width: 60em}
@media (prefers-color-scheme: dark) {.shc-summary {--shc-field: #ff9e4a}}
[data-jp-theme-light="true"] .shc-summary, [data-theme="light"] .shc-summary, .vscode-light .shc-summary
 {--shc-field: #b3541e}
[data-jp-theme-light="false"] .shc-summary, [data-theme="dark"] .shc-summary, .vscode-dark .shc-summary
 {--shc-field: #ff9e4a}
.shc-summary .shc-title {font-weight: 600; border-bottom: 1px solid rgba(128, 128, 128, 0.5); padding-bottom: 0.2em}
.shc-summary .shc-body {display: flex; flex-wrap: wrap; gap: 0.4em 1.5em; align-items: flex-start; padding-top: 0.4em}
.shc-summary .shc-body > div {flex: 1 1 20em; min-width: 0}
.shc-summary svg {flex: none; width: 9em; height: 9em}
.shc-summary table {border-collapse: collapse; border: none; margin: 0; width: auto; color: inherit; background: none;
 font-size: inherit}
.shc-summary th, .shc-summary td {border: none; padding: 0.1em 0.9em 0.1em 0; text-align: left; vertical-align: top;
 color: inherit; background: none; white-space: normal; overflow-wrap: anywhere}
.shc-summary tr, .shc-summary tr:nth-child(odd), .shc-summary tr:hover {background: none; border: none}
.shc-summary th {font-weight: 600; white-space: nowrap}
.shc-summary details {padding: 0.15em 0}
.shc-summary details > div {padding-left: 1.2em}
.shc-summary summary {cursor: pointer}
</style>"""


@dataclass(frozen=True)
class Summary:
    """
    Rows of facts.

    Parameters
    ----------
    title
        What it is, such as ``"TimeLagCube of shape (12, 60, 90), float32, lazy"``.
    rows
        Labels of at most seven characters, and what is said; the label may be empty. Text of others is made harmless.
    picture
        SVG, which is trusted.
    members
        Names and summaries of what it holds; the text has the first of them.

    Examples
    --------
    >>> from sunpy_heliocloud.summary import Summary
    >>> print(Summary("A cube", [("Channel", "171 Å")]))
    A cube
      Channel: 171 Å
    """

    title: str
    rows: Sequence[tuple[str, str]] = ()
    picture: str = ""
    members: Sequence[tuple[str, "Summary"]] = ()

    def __str__(self) -> str:
        lines = (
            f"  {f'{inert(label)}:':<{_LABEL}}{inert(said)}" if label else f"  {inert(said)}"
            for label, said in self.rows
        )
        first = [f"The first is a {self.members[0][1]}"] if self.members else []
        return "\n".join([inert(self.title, 3 * LONGEST), *lines, *first])

    def html(self) -> str:
        """
        As HTML with its own style, for notebooks.

        Examples
        --------
        >>> from sunpy_heliocloud.summary import Summary
        >>> "<b>" in Summary("<b>", []).html()  # escaped
        False
        """
        return f'{_STYLE}<div class="shc-summary">{self._block(heading=True)}</div>'

    def _block(self, *, heading: bool) -> str:
        rows = "".join(
            f'<tr><th scope="row">{_safe(label)}</th><td>{_safe(said)}</td></tr>'
            if label
            else f'<tr><td colspan="2">{_safe(said)}</td></tr>'
            for label, said in self.rows
        )
        title = f'<div class="shc-title">{_safe(self.title, 3 * LONGEST)}</div>' if heading else ""
        members = "".join(
            f"<details><summary>{_safe(name)}: {_safe(member.title)}</summary><div>{member._block(heading=False)}</div></details>"
            for name, member in self.members
        )
        table = f"<table><tbody>{rows}</tbody></table>" if rows else ""
        return f'{title}<div class="shc-body">{self.picture}<div>{table}{members}</div></div>'


def table_html(title: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """
    A table as HTML with its own style, for notebooks.

    Parameters
    ----------
    title
        Of the table.
    names
        Of the columns.
    rows
        Of the cells; of many the first are shown.

    Examples
    --------
    >>> from sunpy_heliocloud.summary import table_html
    >>> "171" in table_html("Channels", ["channel"], [["171"]])
    True
    """
    head = "".join(f'<th scope="col">{_safe(name)}</th>' for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td>{_safe(shown_url(cell))}</td>' for cell in row)}</tr>"
        for row in rows[:_MOST_ROWS]
    )
    more = f"<div>and {len(rows) - _MOST_ROWS} more</div>" if len(rows) > _MOST_ROWS else ""
    return (
        f'{_STYLE}<div class="shc-summary"><div class="shc-title">{_safe(title)}</div>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</div>"
    )


class Summarised:
    """
    What has a `Summary`, which is its text and its HTML.

    Examples
    --------
    >>> print(cube_171)
    TimeLagCube of shape ...
      Channel: SDO 171 Angstrom
      ...
    """

    def _summary(self) -> Summary:
        raise NotImplementedError

    def __str__(self) -> str:
        return str(self._summary())

    def _repr_html_(self) -> str:
        return self._summary().html()


def _safe(text: object, longest: int = LONGEST) -> str:
    return escape(inert(text, longest))
