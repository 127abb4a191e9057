"""After the build: what no reader of ours needs leaves the site.

The theme ships a script with every icon there is, style rules for every component of
Bootstrap, maps of its sources, and the search index on every page.  We keep the rules
whose classes occur in a page or script, the glyphs that are left in them, and the
scripts and sheets of an extension on the pages that have something of it.
"""

import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fontTools import subset
from sphinx.application import Sphinx

UNUSED = (
    "**/*.map",
    "**/webpack-macros.html",
    "**/sbt-webpack-macros.html",
    "scripts/fontawesome.js*",
    "vendor/fontawesome/webfonts/*.ttf",
    "locales",
    "file.png",
    "minus.png",
    "plus.png",
)
MATHJAX = {"tex-chtml.js", "output", "input", "LICENSE", "package.json"}
SPANS = ("n", "p", "w", "nn", "x", "nv", "bp")  # names, punctuation, blanks
DYNAMIC = re.compile(r"bs-|tippy|popover|tooltip|modal-backdrop|offcanvas-backdrop")
FOLDED = r'class="(?=[^"]*\badmonition\b)[^"]*\bdropdown\b|class="(?:[^"]* )?toggle[ "]'
CODE = r'class="highlight'
BOARD = r'id="bn-board"'
# What the text of a page has to have in it for a script or a sheet to be of use there.
USES = {
    "clipboard.min.js": CODE,
    "copybutton.css": CODE,
    "copybutton.js": CODE,
    "design-tabs.js": r'class="sd-tab-set',
    "exercise.css": r'class="(?:[^"]* )?(?:exercise|solution)[ "]',
    "language_data.js": r'id="search-results"',
    "proof.css": r'class="proof',
    "scoreboard.css": BOARD,
    "scoreboard.js": BOARD,
    "searchindex.js": r'id="search-results"',
    "searchtools.js": r'id="search-results"',
    "sphinx-design.min.css": r'class="(?:[^"]* )?sd-',
    "togglebutton.css": FOLDED,
    "togglebutton.js": FOLDED,
}

# -- style sheets ---------------------------------------------------------------------

KEYFRAMES = r"@keyframes {}\{{(?:[^{{}}]*\{{[^}}]*\}})*\}}"
PIECE = re.compile(
    r"""(?P<comment>/\*.*?\*/)|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|url\([^)"']*\))
    |(?P<brace>[{};])|(?P<other>[^{};"'/u]+|.)""",
    re.DOTALL | re.VERBOSE,
)


def blocks(css: str) -> Iterator[tuple[str, str | None]]:
    """Yield what a sheet consists of: (head, inside of the braces or None)."""
    head, inside, depth = [], [], 0
    for piece in PIECE.finditer(css):
        kind, text = piece.lastgroup, piece.group()
        if kind == "comment":
            continue
        if kind == "brace" and text == "{":
            depth += 1
            if depth == 1:
                continue
        elif kind == "brace" and text == "}":
            depth -= 1
            if depth == 0:
                yield "".join(head).strip(), "".join(inside)
                head, inside = [], []
                continue
        elif kind == "brace" and depth == 0:
            yield "".join(head).strip(), None
            head = []
            continue
        (inside if depth else head).append(text)


def selectors(head: str) -> list[str]:
    """Return the selectors of a rule; commas inside of brackets part nothing."""
    parts, depth = [""], 0
    for sign in head:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def needed(selector: str, words: set[str]) -> bool:
    """Say whether every class and id that a selector asks for occurs somewhere."""
    asked = re.sub(
        r":(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)|\[[^]]*\]", "", selector
    )
    names = re.findall(r"[.#]((?:\\.|[\w-])+)", asked)
    plain = (re.sub(r"\\(.)", r"\1", name) for name in names)
    return all(name in words or DYNAMIC.match(name) for name in plain)


def tidy(text: str) -> str:
    """Return a piece of a sheet without the blanks that mean nothing."""
    return re.sub(r"\s*([{;,])\s*", r"\1", re.sub(r"\s+", " ", text)).strip(" ;")


def purged(css: str, words: set[str]) -> str:
    """Return a sheet with the rules that some page can use."""
    kept = []
    for head, inside in blocks(css):
        if inside is None:
            kept.append(f"{head};" if head else "")
        elif re.match(r"@(media|supports|layer|container)\b", head):
            rest = purged(inside, words)
            kept.append(f"{tidy(head)}{{{rest}}}" if rest else "")
        elif head.startswith("@"):
            kept.append(f"{head}{{{tidy(inside)}}}" if inside.strip() else "")
        else:
            used = [s for s in selectors(head) if needed(s, words)]
            if used and inside.strip():
                kept.append(f"{tidy(','.join(used))}{{{compact(inside)}}}")
    return "".join(kept)


def compact(inside: str) -> str:
    """Return the declarations of a rule on one line, quoted texts as they are."""
    parts = re.split(r"(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')", inside.strip())
    return "".join(
        p if n % 2 else re.sub(r"\s*;\s*", ";", re.sub(r"\s+", " ", p))
        for n, p in enumerate(parts)
    ).strip("; ")


def words_of(site: Path) -> set[str]:
    """Return every word that stands in a page or a script."""
    found: set[str] = set()
    for path in (*site.rglob("*.html"), *site.glob("_static/**/*.js")):
        if "mathjax" not in path.parts:
            found.update(re.findall(r"[\w-]+", path.read_text(encoding="utf-8")))
    return found


def purge_sheets(site: Path) -> None:
    """Drop the rules that no page can use, and the animations that no rule names."""
    words = words_of(site)
    for path in site.glob("_static/**/*.css"):
        if "katex" not in path.parts:
            css = purged(path.read_text(encoding="utf-8"), words)
            for name in set(re.findall(r"@keyframes ([\w-]+)", css)):
                if not re.search(rf"animation[^;}}]*\b{name}\b", css):
                    css = re.sub(KEYFRAMES.format(name), "", css)
            path.write_text(css, encoding="utf-8")


# -- fonts ----------------------------------------------------------------------------


def glyphs(site: Path) -> set[int]:
    """Return the icons that the style sheets still draw."""
    points: set[int] = set()
    for path in site.glob("_static/**/*.css"):
        css = path.read_text(encoding="utf-8")
        points |= {int(code, 16) for code in re.findall(r"\\([ef][0-9a-f]{3})\b", css)}
        points |= {ord(sign) for sign in re.findall(r"[\ue000-\uf8ff]", css)}
        points |= {ord(c) for c in re.findall(r'content:"\\?([!-~])"', css)}
    return points


def subset_fonts(site: Path) -> None:
    """Cut the icon fonts down to the icons in use; a font with none of them goes."""
    logging.getLogger("fontTools.subset").setLevel(logging.WARNING)
    points = glyphs(site)
    for path in site.glob("_static/vendor/fontawesome/webfonts/*.woff2"):
        options = subset.Options(flavor="woff2", layout_features=["*"])
        with subset.load_font(str(path), options) as font:
            empty = not points & font.getBestCmap().keys()
            if not empty:
                cut = subset.Subsetter(options)
                cut.populate(unicodes=points)
                cut.subset(font)
                subset.save_font(font, str(path), options)
        if empty:
            path.unlink()
    sheet = site / "_static" / "styles" / "pydata-sphinx-theme.css"
    faces = re.sub(r",url\([^)]+\.ttf\) format\([^)]+\)", "", sheet.read_text("utf-8"))
    sheet.write_text(faces, encoding="utf-8")


# -- files and pages ------------------------------------------------------------------


def drop_files(static: Path) -> None:
    """Remove what no page asks for."""
    for pattern in UNUSED:
        for path in static.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in (static / "images").glob("logo_*"):
        if path.name != "logo_colab.png":
            path.unlink()
    mathjax = static / "mathjax"
    for path in mathjax.iterdir() if mathjax.is_dir() else ():
        if path.name not in MATHJAX:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(mathjax / "output" / "svg", ignore_errors=True)


def unstyled(static: Path) -> re.Pattern[str]:
    """Return what finds a span of code that looks as the code around it does."""
    text = (static / "pygments.css").read_text(encoding="utf-8")
    sheet = re.sub(r"\s*([{};])\s*", r"\1", text).replace(";}", "}")
    base = dict(
        re.findall(r"(light|dark)\S+ \.highlight ?\{[^}]*?color: (#\w+)\}", sheet)
    )
    looks: dict[str, set[str]] = {name: set() for name in SPANS}
    for theme, name, look in re.findall(
        r"(light|dark)\S+ \.highlight \.(\w+) ?\{([^}]*)\}", sheet
    ):
        as_around = look.strip() == f"color: {base.get(theme)}"
        looks.setdefault(name, set()).add("" if as_around else look)
    plain = sorted(name for name, own in looks.items() if own <= {""})
    return re.compile(rf'<span class="(?:{"|".join(plain)})">([^<]*)</span>')


def lean_page(text: str, options: str) -> str:
    """Return a page that waits for less."""
    text = re.sub(
        r'\s*<script defer src="[^"]*fontawesome\.js[^"]*"></script>', "", text
    )
    text = re.sub(
        r'<script src="[^"]*documentation_options\.js[^"]*"></script>',
        lambda _: f"<script>{options}</script>",
        text,
    )
    views = re.compile(r'\s*<meta name="viewport"[^>]*>')
    text = views.sub("", text[: (end := text.index("</head>"))]) + text[end:]
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    text = text.replace(
        '<meta charset="utf-8" />', f'<meta charset="utf-8" />\n    {view}', 1
    )
    idle = [re.escape(name) for name, use in USES.items() if not re.search(use, text)]
    asked = rf'(?:src|href)="(?:[^"]*/)?(?:{"|".join(idle) or "-"})(?:\?[^"]*)?"'
    text = re.sub(rf"\s*<(?:script|link) [^>]*{asked}[^>]*>(?:</script>)?", "", text)
    if "searchtools.js" in text:  # what that starts waits for nothing
        return text
    return re.sub(r'<script ((?:data-[\w-]+="[^"]*" )?src=)', r"<script defer \1", text)


def lean_site(app: Sphinx, error: Exception | None) -> None:
    """Do all of it."""
    if error is not None or app.builder.name != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    options = (static / "documentation_options.js").read_text(encoding="utf-8")
    plain = unstyled(static)
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        if "</head>" in text and "documentation_options" in text:
            better = lean_page(plain.sub(r"\1", text), options.strip())
            path.write_text(better, encoding="utf-8")
    drop_files(static)
    purge_sheets(site)
    subset_fonts(site)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the work after the build."""
    app.connect("build-finished", lean_site, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
