"""How a social channel sends: its credential, its requests, what the answers mean."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from distributor.contract import (
    AlreadyThere,
    Capabilities,
    Channel,
    Destination,
    Idempotency,
    InDoubt,
    MediaFile,
    Message,
    Receipt,
    Recipient,
    Refused,
    Unauthorized,
    Unavailable,
)
from distributor.errors import ConfigError
from distributor.http import Answer, Http, Request, is_secure, read_local, write_local
from distributor.posts import photos, webhook
from distributor.posts.answers import Known, judge
from distributor.posts.post import as_json
from distributor.posts.receipts import keeping, with_made
from distributor.settings import Secret
from distributor.text.said import said

#: Answers to the removal of an upload after which nothing of it can be seen: gone, or no call of this server.
_NOTHING_LEFT = (404, 405, 410, 422)


@dataclass(frozen=True, kw_only=True)
class Sending(Channel):
    """A channel whose post is one write to an API. Without a credential every request is written to a folder instead."""

    TELLS_WRITES: ClassVar[bool] = True
    NETWORK: ClassVar[str]  #: as people write it
    CLASS: ClassVar[Idempotency] = Idempotency.D  #: with a credential; a file in a folder is class A
    EDIT: ClassVar[bool] = False
    DELETE: ClassVar[bool] = False
    RETURNS_ID: ClassVar[bool] = True
    ALT: ClassVar[bool] = True  #: the request carries what a photo shows, for who cannot see it
    NEEDS_PAGE: ClassVar[bool] = True  #: the network draws the link's card from the page
    SECRET: ClassVar[str] = "token"  # noqa: S105  the name of the field that makes it live
    ADDRESS: ClassVar[str] = "api"  #: the field that says where it sends
    KNOWN: ClassVar[tuple[Known, ...]] = ()

    corrections: Literal["edit", "post"] = "edit"  #: where the network can edit: change the post, or write another
    private_network: bool = False  #: True: its server may stand in this house
    _http: Http = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ConfigError for an address that a credential must not travel to."""
        super().__post_init__()
        object.__setattr__(self, "_http", Http(private=self.private_network))
        address = getattr(self, self.ADDRESS, None)
        if isinstance(address, str) and not is_secure(address):
            raise ConfigError(f"[channels.{self.name}] {self.ADDRESS}: '{address}' must begin with https://")
        if isinstance(address, str) and ("?" in address or "#" in address):
            raise ConfigError(
                f"[channels.{self.name}] {self.ADDRESS}: '{address}' is more than an address; leave out what begins with "
                "'?' or '#'"
            )

    # ── what a network's file says ────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:
        """The request that writes the post, without a bearer token."""

    @abstractmethod
    def receipt(self, answer: Answer, message: Message) -> Receipt:
        """What a success says; raises InDoubt where it does not say what was written."""

    def already(self, sentence: str) -> Receipt | None:  # noqa: ARG002  the default says nothing
        """What is there, where a refusal of a duplicate names it."""
        return None

    async def upload(self, file: MediaFile, message: Message, credential: str) -> str:
        """The id that the network gives to a file. Only called after the instant."""
        raise NotImplementedError

    def removal(self, message: Message, receipt: Receipt, key: str, credential: str) -> Request:
        """The request that deletes the post."""
        raise NotImplementedError

    def revision(self, content: bytes, message: Message, receipt: Receipt, key: str, credential: str) -> Request:
        """The request that gives a post that is there the text of this message."""
        raise NotImplementedError

    def revised(self, answer: Answer) -> Sequence[str]:  # noqa: ARG002  most networks change the post itself
        """The remote ids of what an edit made besides the post that it changed."""
        return ()

    def leftover(self, name: str, message: Message, credential: str) -> Request | None:  # noqa: ARG002
        """The request that deletes an upload that its post left behind; None where the network drops it by itself."""
        return None

    def is_gone(self, answer: Answer) -> bool:
        """Whether the answer to a removal says that there is nothing (any more)."""
        return answer.status in (404, 410)

    def sentence(self, answer: Answer) -> str:
        """What the server said, in its own words."""
        value = answer.json()
        nested = value.get("error")
        inner = nested.get("message") if isinstance(nested, dict) else nested
        for words in (inner, value.get("detail"), value.get("description"), value.get("message")):
            if isinstance(words, str) and words:
                return words
        return ""

    def wait(self, answer: Answer) -> float | None:  # noqa: ARG002  the default reads headers alone
        """How many seconds the body asks to wait."""
        return None

    # ── the contract ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def capabilities(self) -> Capabilities:
        """What the network can do with the credential; a folder can do little."""
        return self.able if self._is_live else Capabilities(idempotency=Idempotency.A, alt_text=self.ALT)

    @property
    def able(self) -> Capabilities:
        """What the network can do with a credential, whether there is one yet or not."""
        return Capabilities(
            idempotency=self.CLASS,
            edit=self.EDIT and self.corrections == "edit",
            delete=self.DELETE,
            returns_id=self.RETURNS_ID,
            needs_page=self.NEEDS_PAGE,
            alt_text=self.ALT,
        )

    @property
    def destination(self) -> Destination:
        """The network, or the folder of the requests."""
        if not self._is_live:
            return Destination(live=False, place=str(self._folder))
        missing = self.missing()
        return Destination(live=True, place=self.live_place, missing=(missing,) if missing else ())

    @property
    def destination_facts(self) -> dict[str, str | None]:
        """Server and account, and of a webhook what is no secret of its address; or the folder of the requests."""
        if not self._is_live:
            return {"folder": self.places.within(self._folder)}
        mark = {} if self._has_bearer else {"webhook": webhook.fact(getattr(self, self.secret_name))}
        return {**(super().destination_facts if self.DESTINATION else {}), **mark}

    def missing(self) -> str | None:
        """What has to be set before it can send, or None."""
        secret = getattr(self, self.secret_name, None)
        return secret.missing() if isinstance(secret, Secret) else None

    @property
    def live_place(self) -> str:
        """Where it sends, free of secrets."""
        return str(getattr(self, self.ADDRESS, self.NETWORK))

    @property
    def _is_live(self) -> bool:
        return getattr(self, self.secret_name, None) is not None or getattr(self, "client_id", None) is not None

    @property
    def _has_bearer(self) -> bool:
        """Whether the credential is a token; else it is the very address."""
        return not self.secret_name.startswith("web")

    @property
    def secret_name(self) -> str:
        """The field that makes it live."""
        return self.SECRET

    @property
    def _folder(self) -> Path:
        return self.places.outbox / self.name

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        """Upload what belongs to the post, then write it, or write the request to the outbox."""
        content = self.compose(message, recipient)
        if not self._is_live:
            shown_secret = f"<{self.secret_name}>"
            return Receipt(id=str(write_local(self._folder, key, self.request(content, message, key, shown_secret))))
        credential = await self.credential()
        with keeping() as made:
            content = await self._filled(content, message, credential, made)
            answer = await self.send(self.request(content, message, key, credential), credential)
            return with_made(self.receipt(answer, message), made)

    async def _filled(self, content: bytes, message: Message, credential: str, made: list[str]) -> bytes:
        """The body with the ids of its uploads, which are added to `made`. Nothing is posted yet: a lost answer is
        Unavailable.
        """
        for file in message.media:
            stand_in = photos.mark(file).encode()
            if stand_in not in content:
                continue
            try:
                name = await self.upload(file, message, credential)
            except InDoubt as error:
                raise Unavailable(error.reason) from None
            made.append(name)
            content = content.replace(stand_in, as_json(name)[1:-1])
        return content

    async def pause(self, seconds: float) -> None:
        """Wait for the other side's own work."""
        await asyncio.sleep(seconds)

    async def credential(self) -> str:
        """The credential, fit to stand in a header or an address. Raises Unauthorized where there is none."""
        secret, where = getattr(self, self.secret_name, None), f"[channels.{self.name}] {self.secret_name}"
        if not isinstance(secret, Secret):
            raise Unauthorized(f"{where}: it is not set")
        try:
            value = secret.reveal().strip()
        except (ConfigError, OSError, UnicodeDecodeError):
            raise Unauthorized(f"{where}: {secret.missing() or 'it'} cannot be read") from None
        if not value.isascii() or not value.isprintable() or " " in value or not value:
            raise Unauthorized(f"{where}: it holds characters that no credential has")
        if not self._has_bearer and not is_secure(value):
            raise Unauthorized(f"{where}: it must begin with https://")
        return value

    async def look(self, request: Request, credential: str) -> Answer:
        """Ask what writes nothing that anybody sees: a lost answer is Unavailable."""
        try:
            return await self.send(request, credential)
        except InDoubt as error:
            raise Unavailable(error.reason) from None

    async def send(self, request: Request, credential: str, *, bearer: bool = True) -> Answer:
        """Send as the account; the answer to what succeeded. Raises DeliveryError."""
        answer = await self._ask(request, credential, bearer=bearer)
        self._judge(answer, credential)
        return answer

    async def _ask(self, request: Request, credential: str, *, bearer: bool = True) -> Answer:
        return await self._http.send(request, bearer=credential if bearer and self._has_bearer else None)

    def _judge(self, answer: Answer, credential: str) -> None:
        words = said(self.sentence(answer), hide=[credential])
        try:
            judge(answer, self.NETWORK, words, known=self.KNOWN, wait=self.wait(answer), idempotency=self.CLASS)
        except AlreadyThere as error:
            raise AlreadyThere(error.reason, receipt=self.already(words)) from None

    async def withdraw(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """Delete the post, then what else was made for it; what is gone already is no error."""
        if not self._is_live or not (receipt.id or receipt.made):
            raise Refused("it is not known which post it is: look, and delete it by hand")
        credential = await self.credential()
        if receipt.id:
            answer = await self._ask(self.removal(message, receipt, key, credential), credential)
            if not self.is_gone(answer):
                self._judge(answer, credential)
        for name in receipt.made:
            if request := self.leftover(name, message, credential):
                answer = await self._ask(request, credential)
                if not self.is_gone(answer) and answer.status not in _NOTHING_LEFT:
                    self._judge(answer, credential)
        return Receipt(id=receipt.id, detail="withdrawn")

    async def amend(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:
        """Give the post that is there the text of a correction; the same again changes nothing."""
        if not receipt.id:
            raise Refused("it is not known which post it is: look, and correct it by hand")
        credential = await self.credential()
        with keeping() as made:
            content = await self._filled(self.compose(message, recipient), message, credential, made)
            answer = await self.send(self.revision(content, message, receipt, key, credential), credential)
            edited = Receipt(id=receipt.id, url=receipt.url, detail="edited")
            return with_made(edited, [*made, *self.revised(answer)])

    async def prepare(self) -> None:
        """Renew a login that would end meanwhile."""
        if self._is_live:
            await self.credential()

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The body in the written request; None when it went to the network."""
        return None if self._is_live else read_local(Path(receipt.id))

    async def close(self) -> None:
        """Close the connection."""
        await self._http.close()
