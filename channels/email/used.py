"""Which features of HTML, CSS and pictures a mail uses, read as tolerantly as mail programs read."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

# Each begins where no such word goes on to the left, so that none takes longer than the text is long.
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_DECLARATION = re.compile(r"""(?<![-\w])([-\w]+)\s*:\s*((?:"[^"]*"|'[^']*'|\([^()]*\)|[^;"'])*)""")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_URL = re.compile(r"""url\(\s*["']?([^"')]*)[^)]*\)?""", re.IGNORECASE)
_FUNCTION = re.compile(r"(?<![\w-])([a-z-]+)\(")
_UNIT = re.compile(r"(?<![\w#.])[+-]?(?:\d+\.?\d*|\.\d+)([a-z]+)")
_WORD = re.compile(r"(?<![\w#.%-])[a-z][a-z-]*(?![\w(-])")
_AT = re.compile(r"@[a-z-]+")
_CONDITION = re.compile(r"\(\s*([a-z-]+)")
_PSEUDO = re.compile(r"::?([a-z-]+)")
_ENDING = re.compile(r"\.(\w+)(?:[?#]|$)")
#: Values that say what is so anyway.
_PLAIN = {"none", "static", "normal", "visible", "auto", "inherit", "initial", "unset", "revert"}
_INLINE = {"inline-flex": "flex", "inline-grid": "grid", "-webkit-flex": "flex", "-ms-flexbox": "flex"}
_PICTURES = ("img", "input")


class Feature(NamedTuple):
    """A thing that a mail program knows or does not know."""

    kind: str  #: `element`, `attribute`, `property`, `value`, `function`, `unit`, `at`, `pseudo`, `image`
    name: str

    @property
    def shown(self) -> str:
        """As a person writes it: `<video>`, `calc()`, `:hover`, `WEBP images`."""
        match self.kind:
            case "element" if self.name.startswith("meta "):
                return f"<meta name={self.name[5:]}>"
            case "element":
                return f"<{self.name}>"
            case "function":
                return f"{self.name}()"
            case "pseudo":
                return f":{self.name}"
            case "attribute":
                return f"the attribute {self.name}"
            case "unit":
                return f"the unit {self.name}"
            case "image":
                return "data: images" if self.name == "data:" else f"{self.name.upper()} images"
        return self.name


def used(html: str) -> set[Feature]:
    """Every feature that stands in the mail, known or not. Never raises; what is no HTML uses nothing."""
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(html.encode("utf-8", "replace"), parser)
    except etree.LxmlError:  # nothing but spaces and comments
        return set()
    found: set[Feature] = set()
    styles: set[str] = set()
    for element in root.iter() if root is not None else ():
        name = str(element.tag).lower()
        found.add(Feature("element", name))
        if name == "style":
            found |= set(sheet(element.text or ""))
        elif name == "meta":
            found.add(Feature("element", f"meta {element.get('name', '').lower()}"))
        for key, value in element.attrib.items():
            if key == "style":
                styles.add(value)
            else:
                found.add(Feature("attribute", key))
        found |= set(_pictures(name, element))
    return found.union(*map(declarations, styles))


def _pictures(name: str, element: Any) -> Iterator[Feature]:
    """By address; not `srcset` and `<source>`, behind which the `src` of an `<img>` stands for those who cannot show them."""
    if name in _PICTURES:
        yield from _picture(element.get("src", ""))
    if address := element.get("background"):
        yield Feature("property", "background-image")
        yield from _picture(address)


def _picture(address: str) -> Iterator[Feature]:
    """`data:` and what kind of picture it is, as far as its address tells."""
    address = address.strip().lower()
    if address.startswith("data:"):
        yield Feature("image", "data:")
        yield Feature("image", re.split(r"[;,+]", address[5:], maxsplit=1)[0].rpartition("/")[2])
    elif ending := _ENDING.search(address):
        yield Feature("image", ending[1])


def sheet(css: str) -> Iterator[Feature]:
    """What the text of a `<style>` uses: at-rules and their conditions, pseudo-classes, declarations."""
    parts = re.split(r"([{};])", _COMMENT.sub(" ", css).lower())
    for text, end in zip(parts[::2], [*parts[1::2], ""], strict=True):
        if at := _AT.match(text.strip()):
            yield Feature("at", at[0])
            yield from (Feature("at", f"{at[0]} ({name})") for name in _CONDITION.findall(text))
        elif end == "{":
            yield from (Feature("pseudo", name) for name in _PSEUDO.findall(text))
    for block in re.findall(r"\{([^{}]*)", _COMMENT.sub(" ", css)):
        yield from declarations(block)


def declarations(css: str) -> Iterator[Feature]:
    """What the text of a `style` attribute uses: properties, values, functions, units and pictures."""
    for name, value in _DECLARATION.findall(_COMMENT.sub(" ", css)):
        yield from _declaration(name.lower(), value)


def _declaration(name: str, value: str) -> Iterator[Feature]:
    if name.startswith("--"):
        yield Feature("function", "var")
        return
    for address in _URL.findall(value):
        yield from _picture(address)
        if name == "background" and address:
            yield Feature("property", "background-image")
    plain = _QUOTED.sub("", _URL.sub("", value)).lower().replace("!important", "").strip()
    first = _INLINE.get(plain, plain)
    yield Feature("property", f"{name}:{first}")
    if plain not in _PLAIN:
        yield Feature("property", name)
    for kind, pattern in (("function", _FUNCTION), ("unit", _UNIT), ("value", _WORD)):
        yield from (Feature(kind, token) for token in pattern.findall(plain))
