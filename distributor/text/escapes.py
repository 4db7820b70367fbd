"""How release text is written where a network reads some characters as markup: it must come out as it was written."""

import html

import regex

#: Reserved in LinkedIn's "little text"; an unescaped one cuts the post short without an error (learn.microsoft.com,
#: Community Management, "little Text Format").
_LITTLE = regex.compile(r"[\\|{}@\[\]()<>#*_~]")
#: Markdown as Discord reads it (discord.com/developers/docs/reference, "Message Formatting").
_DISCORD = regex.compile(r"[\\*_~`|>#\[\]()<]|(?m:^(?=[ ]*[-+] )[ ]*\K[-+])|(?m:^[ ]*\d+\K\.(?= ))")
_URL = regex.compile(r"https?://[^\s<>]+", regex.IGNORECASE)


def little_text(text: str) -> str:
    """For LinkedIn's `commentary`: every reserved character with a backslash."""
    return _LITTLE.sub(r"\\\g<0>", text)


def discord(text: str) -> str:
    """For Discord's `content`: every character of its Markdown with a backslash; a URL that stands in the text stays whole, as
    a backslash would break it.
    """
    out, position = [], 0
    for url in _URL.finditer(text):
        out += [_DISCORD.sub(r"\\\g<0>", text[position : url.start()]), url[0]]
        position = url.end()
    return "".join([*out, _DISCORD.sub(r"\\\g<0>", text[position:])])


def telegram(text: str) -> str:
    """For Telegram's HTML mode: `&`, `<` and `>` as entities (core.telegram.org/bots/api#html-style)."""
    return html.escape(text, quote=False)


def slack(text: str) -> str:
    """For Slack's `text`: `&`, `<` and `>` as entities, nothing else (api.slack.com/reference/surfaces/formatting)."""
    return html.escape(text, quote=False)
