"""The tables, as the newest version of the program wants them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from distributor.lifecycle import WAITING

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys by itself
#: Written out, not bound: SQLite uses a partial index only for the very same words.
WAITS = text("delivery.state IN ({})".format(", ".join(f"'{state}'" for state in WAITING)))
_WAITS = text(WAITS.text.replace("delivery.", ""))
_ON_WIRE = text("state = 'sending'")

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

release = Table(
    "release",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("seal", String, nullable=False),
    Column("lift", BigInteger, nullable=False),
    Column("zone", String, nullable=False),
    Column("headline", Text, nullable=False),
    Column("pub_status", String, nullable=False),
    Column("catch_up_within", BigInteger, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
    Column("killed_at", BigInteger),  # nothing of this version goes out any more
    Column("inputs", Text),  # JSON: the file it was made from, and how that and all it uses looked
)

artefact = Table(
    "artefact", metadata, Column("sha256", String, primary_key=True), Column("data", LargeBinary, nullable=False)
)

message = Table(
    "message",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("release_id", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("channel", String, nullable=False),
    Column("lang", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("content", String, ForeignKey("artefact.sha256"), nullable=False),
    UniqueConstraint("release_id", "version", "channel", "lang"),
    ForeignKeyConstraint(["release_id", "version"], ["release.id", "release.version"]),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("release_id", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("recipient_name", String, nullable=False),
    Column("message_id", _ID, ForeignKey("message.id"), nullable=False),
    Column("key", String, nullable=False, unique=True),
    Column("digest", String, nullable=False),
    Column("state", String, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("planned_for", BigInteger, nullable=False),
    Column("lift", BigInteger, nullable=False),
    Column("tier", String, nullable=False),
    Column("idempotency", String, nullable=False),
    Column("in_doubt", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("late_ok", Integer, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("worker", String),
    Column("doubt_since", BigInteger),  # an earlier attempt may have been written then
    Column("wanted", String),  # what a person wants once it is off the wire: held or canceled
    Column("remote_id", Text),
    Column("remote_url", Text),
    Column("reason", Text),
    Column("sent_at", BigInteger),
    Column("settled_at", BigInteger),
    Column("signature", LargeBinary),  # what the channel endorsed for this recipient
    Column("crashes", Integer, nullable=False, server_default="0"),  # processes that ended with it in flight, in a row
    Column("asked", Integer, nullable=False, server_default="0"),  # attempts that asked the network
    UniqueConstraint("release_id", "version", "kind", "channel", "recipient"),
    ForeignKeyConstraint(["release_id", "version"], ["release.id", "release.version"]),
    # The database itself refuses to plan a public delivery before the lift.
    CheckConstraint("tier = 'prebrief' OR due >= lift", name="never_before_the_lift"),
)
# What waits is found by channel and priority, the next instant by its time, and neither costs more for what is settled.
NEW_INDEXES = (
    Index(
        "delivery_ready", delivery.c.channel, delivery.c.priority, delivery.c.due, delivery.c.id,
        sqlite_where=_WAITS, postgresql_where=_WAITS,
    ),
    Index("delivery_next", delivery.c.due, sqlite_where=_WAITS, postgresql_where=_WAITS),
    Index("delivery_on_wire", delivery.c.worker, sqlite_where=_ON_WIRE, postgresql_where=_ON_WIRE),
    Index("delivery_order", delivery.c.release_id, delivery.c.channel, delivery.c.recipient),
)  # fmt: skip

#: Where a channel's deliveries of a version go: as it was agreed, and what a service found instead.
destination = Table(
    "destination",
    metadata,
    Column("release_id", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("facts", Text, nullable=False),  # JSON: word → value; null where it was not known
    Column("deletes", Integer, nullable=False),  # whether the channel could take back what it sent, when it was sealed
    Column("who", String, nullable=False),  # agreed to it last
    Column("at", BigInteger, nullable=False),
    Column("found", Text),  # JSON: what it is now, where it differs
    Column("asked_who", String),  # agreed to `asked_facts`, with four eyes: somebody else has to, too
    Column("asked_facts", Text),
    ForeignKeyConstraint(["release_id", "version"], ["release.id", "release.version"]),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("delivery_id", _ID, ForeignKey("delivery.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("worker", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("outcome", String),
    Column("reason", Text),
)
#: Written out as WAITS is.
SUSPECT = text("delivery.crashes > 0")
_SUSPECT = text(f"crashes > 0 AND {_WAITS.text}")
SUSPECTS = Index("delivery_suspect", delivery.c.due, sqlite_where=_SUSPECT, postgresql_where=_SUSPECT)

ATTEMPT_NUMBER = Index("attempt_number", attempt.c.delivery_id, attempt.c.number, unique=True)

#: What a delivery made at its destination besides what `remote_id` names; a kill takes it all back.
made = Table(
    "made",
    metadata,
    Column("delivery_id", _ID, ForeignKey("delivery.id"), primary_key=True),
    Column("name", String, primary_key=True),  # the other side's id: an edit event, an upload
)

account = Table(
    "account",
    metadata,
    Column("name", String, primary_key=True),
    Column("full_at", BigInteger),  # when its token bucket is full again
    Column("blocked_until", BigInteger),  # the other side asked us to wait
)

worker = Table(
    "worker",
    metadata,
    Column("name", String, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("beat_at", BigInteger, nullable=False),
    Column("host", String),
    Column("ahead", BigInteger),  # how far its host's clock is ahead of the ledger's, in microseconds
    Column("trouble", Text),  # why it does not follow the newest config
)

# Whose ledger it is: one row, made when the site is first written to.
site = Table(
    "site",
    metadata,
    Column("id", String, primary_key=True),
    Column("newsroom", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("restored_at", BigInteger),  # it was put back from a backup, and nobody has said yet what is out
)

# The state folders that work on it, and how many batches each has sent.
witness = Table(
    "witness",
    metadata,
    Column("folder", String, primary_key=True),
    Column("place", Text, nullable=False),  # host and path
    Column("batches", BigInteger, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String, nullable=False),
    Column("action", String, nullable=False),
    Column("release_id", String, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("detail", Text, nullable=False),
)

# The people of the desk. Of what lets somebody in (session, token, link) only the SHA-256 is here.
person = Table(
    "person",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("password", String),  # argon2id with its parameters; nobody signs in without one
    Column("lang", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("totp", String),
    Column("totp_step", BigInteger, nullable=False, default=0),  # the newest time step that was used
    Column("disabled", Integer, nullable=False, default=0),
    Column("link", String, unique=True),  # sets a new password, once
    Column("link_until", BigInteger),
    Column("made_at", BigInteger, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("id", String, primary_key=True),
    Column("person", String, ForeignKey("person.name"), nullable=False, index=True),
    Column("made_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("address", String, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", String, primary_key=True),
    Column("person", String, ForeignKey("person.name"), nullable=False, index=True),
    Column("label", String, nullable=False),
    Column("role", String, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("who", String, nullable=False),
    Column("action", String, nullable=False),
    Column("release_id", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("address", String, nullable=False),
)

approval = Table(
    "approval",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("release_id", String, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("seal", String, nullable=False),
    Column("digests", Text, nullable=False),
    Column("who", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("words", Text),  # what was read then, where it was kept
)

#: Lists show these of every release and never read its text, which lies between them in the table.
HEADS = Index(
    "release_head", release.c.id, release.c.version, release.c.headline, release.c.lift, release.c.zone,
    release.c.pub_status,
)  # fmt: skip
