"""What the JSON API takes."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from distributor.embargo import EXAMPLE


class Part(BaseModel):
    """A value with these fields and no others."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _text(cls, values: Any) -> Any:
        """No database takes half a character or a NUL."""
        for value in values.values() if isinstance(values, dict) else ():
            if isinstance(value, str) and (
                "\0" in value or (not value.isascii() and re.search("[\ud800-\udfff]", value))
            ):
                raise ValueError("there is a character in it that no text has")
        return values


_BREAK = "why it goes out before its embargo; kept, and shown in reports and proofs"


class At(Part):
    """When it goes out, where that is later than the embargo or there is none."""

    at: str | None = Field(default=None, examples=[EXAMPLE], description="wall time and IANA zone")
    break_embargo: str | None = Field(default=None, min_length=1, description=_BREAK)


class Agreed(At):
    """Something that was looked at: `agreed` is what the preview at that time said."""

    agreed: str = Field(min_length=1, description="of the preview that was looked at; anything else is refused")


class Looked(At):
    """When, and what was looked at."""

    agreed: str | None = Field(default=None, description="of a preview: anything else is refused then")


class Replacing(Part):
    """What was looked at, before it takes the place of what is scheduled."""

    agreed: str | None = Field(
        default=None, description="of a preview at the scheduled time: anything else is refused then"
    )


class NewPlace(Part):
    """One channel whose new destination somebody agrees to."""

    channel: str
    version: int | None = Field(default=None, ge=1, le=1_000_000)
    agreed: str | None = Field(default=None, description="the token that was looked at: anything else is refused then")


class Which(Part):
    """Some of the deliveries; all of them where nothing is said."""

    version: int | None = Field(default=None, ge=1, le=1_000_000)
    channel: str | None = None
    recipient: str | None = None


class Seen(Which):
    """What somebody saw who looked after what is in doubt."""

    there: bool = Field(description="false: it is not there, send it again (or close it: `close`)")
    close: bool = Field(default=False, description="with there = false: it stays unsent, nobody has to look any more")
    url: str | None = Field(default=None, description="where it is")


class Sure(Part):
    """So that nothing is withdrawn by mistake."""

    sure: str = Field(description="the release's id once more")


class NewTime(Part):
    """The new instant."""

    at: str = Field(examples=[EXAMPLE], min_length=1, description="wall time and IANA zone")
    break_embargo: str | None = Field(default=None, min_length=1, description=_BREAK)
