"""An account server (PDS) of one account: sessions that expire, putRecord that repeats without harm."""

import base64
import hashlib
import json
import re

import regex

from tests.servers.http import LoopbackServer, Received, Refusal, Reply

_POST = {"$type", "text", "createdAt", "langs", "facets", "embed", "tags"}
_TID = re.compile("[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")


def _invalid(text: str) -> Refusal:
    return Refusal(Reply.of({"error": "InvalidRequest", "message": f"Invalid app.bsky.feed.post record: {text}"}, 400))


class BlueskyServer(LoopbackServer):
    did = "did:plc:tidewater"

    def __init__(self, handle: str, password: str) -> None:
        super().__init__()
        self.handle = handle
        self.password = password
        self.records: dict[str, str] = {}
        self.writes = 0
        self.blobs: dict[str, bytes] = {}
        self.access = self.refresh = ""
        self._issued = 0

    def expire(self) -> None:
        """The access token is good no longer."""
        self.access = "expired"

    def calls(self) -> list[str]:
        every = [request.path.rpartition(".")[2] for request in self.received]
        return [name for name in every if name != "uploadBlob"]

    def fault_for(self, request: Received) -> bool:
        return request.path.endswith("putRecord")

    def answer(self, request: Received) -> Reply:
        method = request.path.removeprefix("/xrpc/")
        if request.method == "POST" and method == "com.atproto.server.createSession":
            return self._create(request)
        if request.method == "POST" and method == "com.atproto.server.refreshSession":
            return self._refresh(request)
        if request.method == "POST" and method == "com.atproto.repo.putRecord":
            return self._put(request)
        if request.method == "POST" and method == "com.atproto.repo.deleteRecord":
            return self._delete(request)
        if request.method == "POST" and method == "com.atproto.repo.uploadBlob":
            return self._upload(request)
        return Reply.of({"error": "MethodNotImplemented"}, 501)

    def _upload(self, request: Received) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.access}":
            return Reply.of({"error": "ExpiredToken", "message": "Token has expired"}, 400)
        kind = request.headers["content-type"]
        if not kind.startswith("image/"):
            raise _invalid("not an image")
        cid = b"\x01\x55\x12\x20" + hashlib.sha256(request.body).digest()
        link = "b" + base64.b32encode(cid).decode().lower().rstrip("=")
        self.blobs[link] = request.body
        blob = {"$type": "blob", "ref": {"$link": link}, "mimeType": kind, "size": len(request.body)}
        return Reply.of({"blob": blob})

    def _create(self, request: Received) -> Reply:
        if request.json() != {"identifier": self.handle, "password": self.password}:
            return Reply.of({"error": "AuthenticationRequired", "message": "Invalid identifier or password"}, 401)
        return self._issue()

    def _refresh(self, request: Received) -> Reply:
        if request.body or request.headers.get("authorization") != f"Bearer {self.refresh}":
            return Reply.of({"error": "ExpiredToken", "message": "Token has been revoked"}, 400)
        return self._issue()

    def _issue(self) -> Reply:
        self._issued += 1
        self.access, self.refresh = f"access-{self._issued}", f"refresh-{self._issued}"
        return Reply.of({"accessJwt": self.access, "refreshJwt": self.refresh, "did": self.did, "handle": self.handle})

    def _put(self, request: Received) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.access}":
            return Reply.of({"error": "ExpiredToken", "message": "Token has expired"}, 400)
        body = request.json()
        if set(body) != {"repo", "collection", "rkey", "record"} or body["repo"] not in (self.handle, self.did):
            raise _invalid("wrong fields")
        if not _TID.fullmatch(body["rkey"]):
            raise _invalid("Invalid TID")
        self._check(body["record"])
        stored = json.dumps(body["record"])
        if self.records.get(body["rkey"]) != stored:
            self.writes += 1
        self.records[body["rkey"]] = stored
        return Reply.of({"uri": f"at://{self.did}/{body['collection']}/{body['rkey']}", "cid": "bafy"})

    def _delete(self, request: Received) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.access}":
            return Reply.of({"error": "ExpiredToken", "message": "Token has expired"}, 400)
        body = request.json()
        if set(body) != {"repo", "collection", "rkey"} or body["repo"] != self.handle:
            raise _invalid("wrong fields")
        self.records.pop(body["rkey"], None)
        return Reply.of({})

    def _check(self, record: dict) -> None:
        if unknown := set(record) - _POST:
            raise _invalid(f"unknown fields {unknown}")
        text = record["text"]
        if len(regex.findall(r"\X", text)) > 300:
            raise _invalid("text must not be longer than 300 graphemes")
        if len(text.encode()) > 3000:
            raise _invalid("text must not be longer than 3000 bytes")
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["createdAt"]):
            raise _invalid("createdAt")
        if len(record["langs"]) > 3 or len(record.get("tags", [])) > 8:
            raise _invalid("too many langs or tags")
        for link in re.findall('"\\$link": "([^"]+)"', json.dumps(record.get("embed", {}))):
            if link not in self.blobs:
                raise _invalid(f"Could not find blob: {link}")
        end = 0
        for facet in record["facets"]:
            if not end <= facet["index"]["byteStart"] < facet["index"]["byteEnd"] <= len(text.encode()):
                raise _invalid("facets overlap or pass the end")
            end = facet["index"]["byteEnd"]
