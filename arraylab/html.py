"""The HTML of every result: a table or a note that reads in light and dark themes."""

from collections.abc import Iterable, Sequence
from html import escape

# Colours come from the page, so that one output serves both themes.
STYLE = """<style>
.bn{color:inherit;font-size:.85em}
.bn .bn-scroll{overflow-x:auto}
.bn table{border-collapse:collapse;margin:.5em 0;color:inherit}
.bn caption{text-align:left;caption-side:top;padding:.2em 0;color:inherit}
.bn th,.bn td{padding:.2em .4em;text-align:right;white-space:nowrap;color:inherit;
 background:none;border:0;border-bottom:1px solid rgba(128,128,128,.45)}
.bn th:first-child,.bn td:first-child,.bn .bn-words{text-align:left}
.bn thead th{white-space:normal;vertical-align:bottom}
.bn .bn-words{white-space:normal;min-width:14em}
.bn .bn-badge{border:1px solid currentColor;border-radius:.4em;padding:0 .4em;
 font-weight:600;white-space:nowrap}
.bn .bn-bad{text-decoration:underline wavy}
.bn .bn-small{margin:.3em 0}
.bn p{overflow-wrap:anywhere}
@media (max-width:600px){
.bn .bn-rows,.bn .bn-rows :is(caption,thead,tbody){display:block}
.bn .bn-rows thead{position:absolute;width:1px;height:1px;overflow:hidden;
 clip-path:inset(50%)}
.bn .bn-rows tbody tr{display:flex;flex-wrap:wrap;gap:0 1em;padding:.2em 0;
 border-bottom:1px solid rgba(128,128,128,.45)}
.bn .bn-rows tbody :is(th,td){border:0;padding:0;text-align:left;white-space:normal}
.bn .bn-rows tbody th{flex:0 0 100%}
.bn .bn-rows td:empty{display:none}
.bn .bn-rows td[data-head]::before{content:attr(data-head) ": "}
}
</style>"""


def block(*parts: str) -> str:
    """Return the HTML `parts` inside the frame that carries the course's style."""
    return f'{STYLE}<div class="bn">{"".join(parts)}</div>'


def badge(text: str, bad: bool = False) -> str:
    """Return `text` as a badge; `bad` underlines it, so colour says nothing alone."""
    kind = "bn-badge bn-bad" if bad else "bn-badge"
    return f'<span class="{kind}">{escape(text)}</span>'


def note(text: str) -> str:
    """Return `text` as a small paragraph."""
    return f'<p class="bn-small">{escape(text)}</p>'


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], words: int = -1
) -> str:
    """Return a table; cells are HTML already, `caption` and `head` are plain text.

    The first cell of a row is its header.  Column `words` holds sentences and wraps.
    On a narrow screen, a table of more than two columns becomes a list of its rows.
    """
    many = len(head) > 2

    def cells(row: Sequence[str], tag: str) -> str:
        out = []
        for i, cell in enumerate(row):
            kind = ' class="bn-words"' if i == words else ""
            if tag == "th":
                out.append(f'<th scope="col"{kind}>{cell}</th>')
            elif i == 0:
                out.append(f'<th scope="row"{kind}>{cell}</th>')
            else:
                kind += f' data-head="{escape(head[i])}"' if many and head[i] else ""
                out.append(f"<td{kind}>{cell}</td>")
        return "<tr>" + "".join(out) + "</tr>"

    body = "".join(cells(row, "td") for row in rows)
    header = cells([escape(h) for h in head], "th")
    named = f"<caption>{escape(caption)}</caption>"
    kind = ' class="bn-rows"' if many else ""
    return (  # what scrolls has a name and is reached from the keyboard
        f'<div class="bn-scroll" role="group" tabindex="0" '
        f'aria-label="{escape(caption)}"><table{kind}>{named}'
        f"<thead>{header}</thead><tbody>{body}</tbody></table></div>"
    )


def sheet(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    notes: Iterable[str],
    words: int = -1,
) -> str:
    """Return a whole block of plain text: a table and the notes below it."""
    cells = [tuple(map(escape, row)) for row in rows]
    return block(table(caption, head, cells, words), *map(note, notes))
