"""What the JSON API takes and answers, and the OpenAPI 3.1 document of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from distributor import __version__
from distributor.embargo import EXAMPLE
from distributor.lifecycle import PubStatus, State
from distributor.preview import Preview
from distributor.store import Delivery, Release
from distributor.web.listing import Row, Status


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class At(_Part):
    """When it goes out, where that is later than the embargo or there is none."""

    at: str | None = Field(default=None, examples=[EXAMPLE], description="wall time and IANA zone")


class NewTime(_Part):
    """The new instant."""

    at: str = Field(examples=[EXAMPLE], min_length=1, description="wall time and IANA zone")


class Shown(_Part):
    """One release or draft."""

    id: str
    file: str | None = Field(description="its name in releases/, without the ending")
    headline: str
    status: Status
    embargoed_until: datetime | None
    zone: str = Field(description="IANA; the one that its times are written in")
    channels: list[str]
    version: int
    deliveries: dict[State, int] = Field(description="how many in each state")

    @classmethod
    def of(cls, row: Row) -> Self:
        """As the list has it."""
        facts = {"id": row.id, "file": row.name or None, "headline": row.headline, "status": row.status}
        return cls(
            **facts,
            embargoed_until=row.lift,
            zone=row.zone,
            channels=list(row.channels),
            version=row.version,
            deliveries=dict(row.counts),
        )


class Page(_Part):
    """One page of the list."""

    releases: list[Shown]
    total: int
    page: int
    pages: int


class Found(_Part):
    """One finding of a check."""

    severity: str
    code: str
    text: str
    field: str | None
    channel: str | None


class Sent(_Part):
    """One message as it would be sent."""

    channel: str
    lang: str
    due: datetime
    title: str
    text: str
    place: str
    live: bool = Field(description="whether it leaves this machine")
    recipients: int


class Previewed(_Part):
    """What each channel would send."""

    release: str
    version: int
    lift: datetime
    lift_is_fixed: bool = Field(description="false: nobody has said yet when it goes")
    seal: str = Field(description="digest over every byte; the one that is sealed by schedule")
    findings: list[Found]
    messages: list[Sent]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Without the messages' HTML."""
        found = [
            Found(
                severity=one.severity,
                code=one.code,
                text=one.text,
                field=one.field or None,
                channel=one.channel or None,
            )
            for one in preview.all_findings()
        ]
        messages = [
            Sent(
                channel=one.message.channel,
                lang=one.message.lang,
                due=one.due,
                title=one.message.title,
                text=one.message.text,
                place=one.channel.place(one.message),
                live=one.channel.destination.live,
                recipients=len(one.copies),
            )
            for one in preview.rendered
        ]
        return cls(
            release=preview.release.id,
            version=preview.release.version,
            lift=preview.lift,
            lift_is_fixed=preview.lift_is_fixed,
            seal=preview.digest,
            findings=found,
            messages=messages,
        )


class Scheduled(_Part):
    """What was sealed."""

    release: str
    version: int
    seal: str
    already: bool = Field(description="the very same was scheduled before; nothing changed")


class Moved(_Part):
    """What an action did."""

    release: str
    version: int
    deliveries: int = Field(description="how many it moved")


class OneDelivery(_Part):
    """One message to one recipient."""

    channel: str
    recipient: str
    state: State
    due: datetime
    attempts: int
    sent_at: datetime | None
    url: str | None
    reason: str | None


class Deliveries(_Part):
    """How one release stands."""

    release: str
    version: int
    lift: datetime
    zone: str
    pub_status: PubStatus
    deliveries: list[OneDelivery]

    @classmethod
    def of(cls, release: Release, rows: Iterable[Delivery]) -> Self:
        """As the ledger has it."""
        names = ("channel", "recipient", "state", "due", "attempts", "sent_at", "reason")
        return cls(
            release=release.id,
            version=release.version,
            lift=release.lift,
            zone=release.zone,
            pub_status=release.pub_status,
            deliveries=[OneDelivery(**{n: getattr(row, n) for n in names}, url=row.remote_url) for row in rows],
        )


class Standing(_Part):
    """How the site stands."""

    now: datetime
    releases: dict[Status, int]


class Problem(_Part):
    """One sentence for a person, and where it belongs."""

    text: str
    file: str | None = None
    line: int | None = None
    field: str | None = None


class Errors(_Part):
    """Why it was not done; nothing was written."""

    errors: list[Problem]


class Described(Protocol):
    """What the document needs of a line of the table."""

    @property
    def method(self) -> str: ...  # noqa: D102
    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102
    @property
    def answer(self) -> type[BaseModel]: ...  # noqa: D102
    @property
    def body(self) -> type[BaseModel] | None: ...  # noqa: D102
    @property
    def query(self) -> Mapping[str, str]: ...  # noqa: D102


_SCHEMA = "#/components/schemas/"
_WHEN = {"400": "not JSON", "401": "no token", "403": "the role is too small", "404": "no such release", "413": "too large",
         "415": "not sent as JSON", "422": "refused, in the words of the command line"}  # fmt: skip


def document(base: str, operations: Iterable[Described]) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    table = list(operations)
    takes = [(one.body, "validation") for one in table if one.body]
    gives = [(one.answer, "serialization") for one in table]
    models = list(dict.fromkeys([*takes, *gives, (Errors, "serialization")]))
    _refs, schemas = models_json_schema(models, ref_template=f"{_SCHEMA}{{model}}")  # type: ignore[arg-type]  # Literal modes
    paths: dict[str, dict[str, Any]] = {}
    for one in table:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "distributor desk",
            "version": __version__,
            "description": "The actions of the desk, for programs.",
        },
        "servers": [{"url": base}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "from the account page"}},
        },
    }


def _operation(one: Described) -> dict[str, Any]:
    known = ["401", "403", "404", "422", *(["400", "413", "415"] if one.body else [])]
    parameters = [
        {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in one.query.items()
    ]
    if "{release}" in one.path:
        text = "the release's id"
        schema = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
        parameters.append({"name": "release", "in": "path", "required": True, "description": text, "schema": schema})
    made: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"Role: {one.role} or above.",
        "parameters": parameters,
        "responses": {
            "200": {"description": "done", "content": _json(one.answer)},
            **{status: {"description": _WHEN[status], "content": _json(Errors)} for status in sorted(known)},
        },
    }
    if one.body:
        made["requestBody"] = {"required": False, "content": _json(one.body)}
    return made


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"{_SCHEMA}{model.__name__}"}}}
