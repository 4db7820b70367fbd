"""A Mastodon server of one account: strict about what it takes, with Idempotency-Key."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import regex

from tests.servers.http import LoopbackServer, Received, Refusal, Reply
from tests.servers.networks import Network

_FIELDS = {
    "status", "media_ids", "in_reply_to_id", "sensitive", "spoiler_text", "visibility", "language", "scheduled_at",
}  # fmt: skip


class MastodonServer(LoopbackServer):
    def __init__(self, token: str, *, max_characters: int = 500, software: str = "mastodon") -> None:
        super().__init__()
        self.software = software  #: as nodeinfo has it; empty: there is no nodeinfo
        self.about: dict[str, str] = {"version": "4.5.0"}  #: /api/v2/instance
        self.keeps_keys = software == "mastodon"
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.token = token
        self.max_characters = max_characters
        self.statuses: list[dict[str, str]] = []
        self.files: dict[str, dict[str, Any]] = {}
        self._by_key: dict[str, dict[str, str]] = {}

    def fault_for(self, request: Received) -> bool:
        return request.method != "GET"

    def _public(self, path: str) -> Reply | None:
        """What everybody may ask."""
        if path == "/api/v2/instance":
            return Reply.of(self.about)
        if path == "/.well-known/nodeinfo" and self.software:
            return Reply.of({"links": [{"rel": "http://nodeinfo…/2.0", "href": f"{self.url}/nodeinfo/2.0"}]})
        if path == "/nodeinfo/2.0" and self.software:
            return Reply.of({"version": "2.0", "software": {"name": self.software, "version": "1"}})
        return None

    def _own(self, path: str) -> Reply | None:
        """What the account may read of itself."""
        if path == "/api/v1/accounts/verify_credentials":
            return Reply.of({"id": "77", "acct": "tidewater"})
        if path == "/api/v1/accounts/77/statuses":
            return Reply.of([self._shown(status) for status in reversed(self.statuses)])
        name = path.removeprefix("/api/v1/statuses/").removesuffix("/source")
        found = next((one for one in self.statuses if one["id"] == name), None)
        if found is None:
            return None
        return Reply.of({"id": name, "text": found["status"]} if path.endswith("/source") else self._shown(found))

    @staticmethod
    def _shown(status: dict[str, str]) -> dict[str, str]:
        """As a server draws it: links with hidden parts, mentions without their host."""
        words = html.escape(status["status"])
        words = re.sub(
            r"https://(\S{1,20})(\S*)",
            r'<a href="#"><span class="invisible">https://</span><span class="ellipsis">\1</span>'
            r'<span class="invisible">\2</span></a>',
            words,
        )
        words = re.sub(r"(?<!\S)@(\w+)@[\w.]+", r'<span class="h-card"><a href="#">@<span>\1</span></a></span>', words)
        return {**status, "content": "<p>" + words.replace("\n\n", "</p><p>").replace("\n", "<br />") + "</p>"}

    def answer(self, request: Received) -> Reply:
        path = urlsplit(request.path)
        if request.method == "GET" and (found := self._public(path.path)):
            return found
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Reply.of({"error": "The access token is invalid"}, 401)
        if request.method == "GET" and (found := self._own(path.path)):
            return found
        if request.method == "DELETE" and path.path.startswith("/api/v1/media/"):
            file = self.files.pop(path.path.rpartition("/")[2], None)
            return Reply.of({}) if file else Reply.of({"error": "Record not found"}, 404)
        if request.method == "DELETE":
            name = path.path.rpartition("/")[2]
            gone = [status for status in self.statuses if status["id"] == name]
            self.statuses = [status for status in self.statuses if status["id"] != name]
            if gone and path.query == "delete_media=true":
                for name in gone[0].get("media_ids", []):
                    self.files.pop(name, None)
            return Reply.of(gone[0]) if gone else Reply.of({"error": "Record not found"}, 404)
        if request.method == "POST" and request.path == "/api/v2/media":
            form = Network.form(request)
            assert form["file"]["type"].startswith("image/")
            self.files[str(len(self.files) + 1)] = {"polls": 0, "alt": form["description"]}
            return Reply.of({"id": str(len(self.files)), "url": None}, 202)
        if request.method == "GET" and request.path.startswith("/api/v1/media/"):
            file = self.files[request.path.rpartition("/")[2]]
            file["polls"] += 1
            return Reply.of({"id": "1"}, 200 if file["polls"] > 2 else 206)
        if request.method == "PUT":
            there = next((one for one in self.statuses if one["id"] == request.path.rpartition("/")[2]), None)
            if there is None or set(request.json()) - {"status", "language", "media_ids", "spoiler_text", "sensitive"}:
                return Reply.of({"error": "Record not found"}, 404)
            there |= request.json()
            return Reply.of(there)
        if (request.method, request.path) != ("POST", "/api/v1/statuses"):
            return Reply.of({"error": "Record not found"}, 404)
        key = request.headers.get("idempotency-key", "")
        if key in self._by_key and self.keeps_keys:
            return Reply.of(self._by_key[key])
        body = self._checked(request)
        number = len(self.statuses) + 1
        status = {"id": str(number), "url": f"{self.url}/@tidewater/{number}", **body}
        status["created_at"] = self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.statuses.append(status)
        if key:
            self._by_key[key] = status
        return Reply.of(status)

    def _checked(self, request: Received) -> dict[str, str]:
        if request.headers.get("content-type") != "application/json":
            raise Refusal(Reply.of({"error": "unknown content type"}, 415))
        body: dict[str, str] = request.json()
        if unknown := set(body) - _FIELDS:
            raise Refusal(Reply.of({"error": f"unknown fields {sorted(unknown)}"}, 400))
        if body["visibility"] not in ("public", "unlisted", "private", "direct"):
            raise Refusal(Reply.of({"error": "'visibility' is not included in the list"}, 422))
        if not re.fullmatch("[a-z]{2,3}", body["language"]):
            raise Refusal(Reply.of({"error": "language is not ISO 639"}, 422))
        if any(name not in self.files or self.files[name]["polls"] < 3 for name in body.get("media_ids", [])):
            raise Refusal(Reply.of({"error": "Cannot attach files that have not finished processing"}, 422))
        counted = re.sub(r"https?://[^\s]+", "x" * 23, body["status"])
        if len(regex.findall(r"\X", counted)) > self.max_characters:
            text = f"Validation failed: Text character limit of {self.max_characters} exceeded"
            raise Refusal(Reply.of({"error": text}, 422))
        return body
