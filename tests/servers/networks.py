"""The networks' APIs on loopback, written from their documentation: strict about fields, headers and order of calls."""

import email
import email.policy
import html
import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import regex

from tests.servers.http import LoopbackServer, Received, Refusal, Reply


class Network(LoopbackServer):
    """One account. `posts` holds what readers see, by id; `files` what was uploaded."""

    token: ClassVar[str] = "tok-Sehr-Geheim-123"
    commit: ClassVar[str]  #: a part of the path of the request that writes the post

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}
        self.files: dict[str, dict[str, Any]] = {}

    @property
    def secret(self) -> str:
        """What the config refers to."""
        return self.token

    def fault_for(self, request: Received) -> bool:
        return self.commit in request.path and request.method in ("POST", "PUT")

    def throttled(self) -> Reply:
        """Its documented way to say: later, in a minute or less."""
        raise NotImplementedError

    def expired(self) -> Reply:
        """Its documented way to say that the credential ended."""
        raise NotImplementedError

    def read(self, post: dict[str, Any]) -> str:
        """The text as a reader of the network sees it."""
        return str(post["text"])

    def readable(self) -> list[Any]:
        """Everything of ours that somebody could still read or see there."""
        return list(self.posts.values())

    def number(self) -> str:
        return str(1000 + len(self.received))

    def bearer(self, request: Received) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(self.expired())

    @staticmethod
    def only(body: dict[str, Any], *allowed: str) -> dict[str, Any]:
        if unknown := set(body) - set(allowed):
            raise Refusal(Reply.of({"error": {"message": f"unknown fields {sorted(unknown)}", "code": 100}}, 400))
        return body

    @staticmethod
    def form(request: Received) -> dict[str, Any]:
        """The parts of multipart/form-data: text, or {name, type, data}."""
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        found: dict[str, Any] = {}
        for part in email.message_from_bytes(head + request.body, policy=email.policy.HTTP).iter_parts():
            name = str(part.get_param("name", header="content-disposition"))
            data = bytes(part.get_payload(decode=True))
            if part.get_filename():
                found[name] = {"name": part.get_filename(), "type": part.get_content_type(), "data": data}
            else:
                found[name] = data.decode()
        return found

    def keep(self, data: bytes, kind: str, **more: Any) -> str:
        if not kind.startswith("image/") or b"Exif" in data[:400]:
            raise Refusal(Reply.of({"error": {"message": "no picture, or one with EXIF"}}, 415))
        name = f"99{len(self.files) + 1:04}"
        self.files[name] = {"data": data, "type": kind, **more}
        return name


class XServer(Network):
    commit = "/2/tweets"

    def __init__(self) -> None:
        super().__init__()
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def throttled(self) -> Reply:
        return Reply.of(
            {"title": "Too Many Requests", "status": 429}, 429, x_rate_limit_reset=str(int(time.time()) + 30)
        )

    def expired(self) -> Reply:
        return Reply.of({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}, 401)

    def answer(self, request: Received) -> Reply:
        self.bearer(request)
        path = urlsplit(request.path).path
        if request.method == "GET" and path == "/2/users/me":
            return Reply.of({"data": {"id": "42", "username": "tidewater"}})
        if request.method == "GET" and path == "/2/users/42/tweets":
            return Reply.of({"data": [self._shown(name) for name in reversed(self.posts)]})
        if request.method == "POST" and path == "/2/media/upload":
            form = self.form(request)
            self.only(form, "media", "media_category", "media_type")
            return Reply.of({"data": {"id": self.keep(form["media"]["data"], form["media_type"])}})
        if request.method == "POST" and path == "/2/media/metadata":
            words = request.json()
            self.files[words["id"]]["alt"] = words["metadata"]["alt_text"]["text"]
            return Reply.of({"data": {}})
        if request.method == "DELETE":
            found = self.posts.pop(path.rpartition("/")[2], None)
            return Reply.of({"data": {"deleted": True}}) if found else Reply.of({"title": "Not Found Error"}, 404)
        if (request.method, path) != ("POST", "/2/tweets"):
            return Reply.of({"title": "Not Found"}, 404)
        body = self.only(request.json(), "text", "media", "reply", "reply_settings", "made_with_ai", "paid_partnership")
        if any(post["text"] == body["text"] for post in self.posts.values()):
            detail = "You are not allowed to create a Tweet with duplicate content."
            return Reply.of({"detail": detail, "type": "about:blank", "title": "Forbidden", "status": 403}, 403)
        for name in body.get("media", {}).get("media_ids", []):
            if name not in self.files:
                return Reply.of({"title": "Invalid Request", "detail": "Your media IDs are invalid."}, 400)
        name = self.number()
        self.posts[name] = {**body, "at": self.clock()}
        return Reply.of({"data": {"id": name, "text": body["text"]}}, 201)

    def _shown(self, name: str) -> dict[str, Any]:
        """As X gives a post back: t.co links, entities, escaped."""
        text, urls = html.escape(self.posts[name]["text"], quote=False), []
        for number, url in enumerate(re.findall(r"https://[^\s]+", text)):
            short = f"https://t.co/{number}abc"
            text = text.replace(url, short)
            urls.append({"url": short, "expanded_url": html.unescape(url)})
        at = self.posts[name]["at"].isoformat(timespec="milliseconds")
        return {"id": name, "text": text, "created_at": at.replace("+00:00", "Z"), "entities": {"urls": urls}}


class LinkedInServer(Network):
    commit = "/rest/posts"
    version: ClassVar[str] = "202608"

    def throttled(self) -> Reply:
        return Reply.of({"status": 429, "code": "TOO_MANY_REQUESTS", "message": "quota"}, 429, Retry_After="30")

    def expired(self) -> Reply:
        return Reply.of({"status": 401, "code": "EXPIRED_ACCESS_TOKEN", "message": "The token has expired"}, 401)

    def read(self, post: dict[str, Any]) -> str:
        text = re.sub(r"\{hashtag\|\\#\|([^}]*)\}", r"#\1", post["commentary"])
        if re.search(r"(?<!\\)(?:\\\\)*[|{}@\[\]()<>*_~]", text):
            raise AssertionError(f"unescaped: {text}")
        return re.sub(r"\\(.)", r"\1", text)

    def answer(self, request: Received) -> Reply:
        path = urlsplit(request.path).path
        if request.method == "PUT" and path.startswith("/upload/"):
            self.files[path.rpartition("/")[2]] = {"data": request.body, "type": request.headers["content-type"]}
            return Reply(status=201)
        self.bearer(request)
        if request.headers.get("linkedin-version") != self.version:
            return Reply.of(
                {"status": 426, "code": "NONEXISTENT_VERSION", "message": "Requested version is not active"}, 426
            )
        if request.headers.get("x-restli-protocol-version") != "2.0.0":
            return Reply.of({"status": 400, "message": "protocol version"}, 400)
        if path == "/rest/images":
            assert request.json() == {"initializeUploadRequest": {"owner": "urn:li:organization:10000001"}}
            name = f"C4{len(self.files)}"
            return Reply.of({"value": {"uploadUrl": f"{self.url}/upload/{name}", "image": f"urn:li:image:{name}"}})
        if path.startswith("/rest/images/"):
            name = unquote(path).rpartition(":")[2]
            return Reply.of({"status": "AVAILABLE" if name in self.files else "WAITING_UPLOAD"})
        if path.startswith("/rest/posts/"):
            return self._change(request, unquote(path.rpartition("/")[2]))
        return self._create(request)

    def _change(self, request: Received, urn: str) -> Reply:
        if request.method == "DELETE":
            self.posts.pop(urn, None)
            return Reply(status=204)
        if request.headers.get("x-restli-method") != "PARTIAL_UPDATE" or set(request.json()) != {"patch"}:
            return Reply.of({"status": 400, "message": "no partial update"}, 400)
        self.posts[urn] |= request.json()["patch"]["$set"]
        return Reply(status=204)

    def _create(self, request: Received) -> Reply:
        body = self.only(
            request.json(), "author", "commentary", "visibility", "distribution", "content", "lifecycleState",
            "isReshareDisabledByAuthor",
        )  # fmt: skip
        for urn, post in self.posts.items():
            if post["commentary"] == body["commentary"]:
                words = f"Content is a duplicate of {urn}"
                return Reply.of({"status": 422, "code": "DUPLICATE_POST", "message": words}, 422)
        for urn in re.findall("urn:li:image:(\\w+)", json.dumps(body)):
            if urn not in self.files:
                return Reply.of({"status": 400, "message": f"no image {urn}"}, 400)
        urn = f"urn:li:share:{self.number()}"
        self.posts[urn] = body
        return Reply(status=201, headers={"x-restli-id": urn})


class ThreadsServer(Network):
    commit = "/threads_publish"

    def __init__(self) -> None:
        super().__init__()
        self.containers: dict[str, dict[str, Any]] = {}

    def throttled(self) -> Reply:
        return Reply.of({"error": {"message": "Application request limit reached", "code": 4}}, 400)

    def expired(self) -> Reply:
        return Reply.of({"error": {"message": "Error validating access token", "code": 190, "error_subcode": 463}}, 400)

    def answer(self, request: Received) -> Reply:
        self.bearer(request)
        parts = urlsplit(request.path)
        name = parts.path.rpartition("/")[2]
        if request.method == "DELETE":
            return (
                Reply.of({"success": True}) if self.posts.pop(name, None) else Reply.of({"error": {"code": 100}}, 404)
            )
        if request.method == "GET" and parts.path == "/v1.0/10000002/threads":
            assert parse_qs(parts.query)["since"]
            posts = [
                {"id": key, "text": post["text"], "permalink": f"https://threads.net/t/{key}"}
                for key, post in self.posts.items()
            ]
            return Reply.of({"data": posts})
        if request.method == "GET":
            return Reply.of({"id": name, "status": "FINISHED"})
        form = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        if name == "threads":
            self.only(
                form, "media_type", "text", "image_url", "alt_text", "topic_tag", "link_attachment", "reply_to_id"
            )
            if len(form["text"].encode()) > 3000 or re.search("[.&]", form.get("topic_tag", "")):
                return Reply.of({"error": {"message": "Invalid parameter", "code": 100}}, 400)
            key = f"77{len(self.containers)}"
            self.containers[key] = form
            return Reply.of({"id": key})
        if name != "threads_publish" or form.get("creation_id") not in self.containers:
            return Reply.of({"error": {"message": "Unsupported request", "code": 100}}, 400)
        key = self.number()
        self.posts[key] = self.containers.pop(form["creation_id"])
        return Reply.of({"id": key})


class FacebookServer(Network):
    commit = "/feed"

    def readable(self) -> list[Any]:
        return [*self.posts.values(), *self.files]  # an upload stays on the Page without its post

    def throttled(self) -> Reply:
        return Reply.of({"error": {"message": "(#32) Page request limit reached", "code": 32}}, 400)

    def expired(self) -> Reply:
        return Reply.of({"error": {"message": "Session has expired", "code": 190, "error_subcode": 463}}, 400)

    def read(self, post: dict[str, Any]) -> str:
        return str(post["message"])

    def answer(self, request: Received) -> Reply:
        self.bearer(request)
        parts = urlsplit(request.path)
        version, _, rest = parts.path[1:].partition("/")
        if version != "v25.0":
            return Reply.of({"error": {"message": "version", "code": 2635}}, 400)
        if request.method == "DELETE":
            missing = {"error": {"message": "Unsupported delete request", "code": 100, "error_subcode": 33}}
            gone = self.posts.pop(rest, None) or self.files.pop(rest, None)
            return Reply.of({"success": True}) if gone else Reply.of(missing, 400)
        if request.method == "GET":
            return Reply.of({"data": [{"id": name, "message": post["message"]} for name, post in self.posts.items()]})
        if rest == "10000003/photos":
            form = self.form(request)
            assert form["published"] == "false"
            picture = form["source"]
            return Reply.of({"id": self.keep(picture["data"], picture["type"], alt=form["alt_text_custom"])})
        body = self.only(request.json(), "message", "link", "published", "attached_media")
        if rest in self.posts:
            self.posts[rest] |= body
            return Reply.of({"success": True})
        if any(post["message"] == body["message"] for post in self.posts.values()):
            return Reply.of({"error": {"message": "Duplicate status message", "code": 506}}, 400)
        for media in body.get("attached_media", []):
            if media["media_fbid"] not in self.files:
                return Reply.of({"error": {"message": "no photo", "code": 100}}, 400)
        name = f"10000003_{self.number()}"
        self.posts[name] = body
        return Reply.of({"id": name})


class TelegramServer(Network):
    token = "123456:AAsehrGeheimesTokenVonZwanzig"
    commit = "/send"

    def throttled(self) -> Reply:
        words = "Too Many Requests: retry after 30"
        return Reply.of({"ok": False, "error_code": 429, "description": words, "parameters": {"retry_after": 30}}, 429)

    def expired(self) -> Reply:
        return Reply.of({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)

    def read(self, post: dict[str, Any]) -> str:
        if re.search(r"<|>|&(?!amp;|lt;|gt;)", post["text"]):
            raise AssertionError(f"unescaped: {post['text']}")
        return html.unescape(post["text"])

    def answer(self, request: Received) -> Reply:
        if not request.path.startswith(f"/bot{self.token}/"):
            return self.expired()
        method, body = request.path.rpartition("/")[2], request.json()
        if body.get("chat_id") != "@tidewater_news":
            return self._refuse("Bad Request: chat not found")
        if method == "deleteMessages":
            gone = [self.posts.pop(str(number), None) for number in body["message_ids"]]
            return (
                Reply.of({"ok": True, "result": True})
                if any(gone)
                else self._refuse("Bad Request: message to delete not found")
            )
        if method in ("editMessageText", "editMessageCaption"):
            self.only(body, "chat_id", "message_id", "parse_mode", "text", "caption", "link_preview_options")
            text = body.get("text", body.get("caption"))
            if self.posts[str(body["message_id"])]["text"] == text:
                return self._refuse("Bad Request: message is not modified")
            self.posts[str(body["message_id"])]["text"] = text
            return Reply.of({"ok": True, "result": {}})
        return self._send(method, body)

    def _refuse(self, words: str) -> Reply:
        return Reply.of({"ok": False, "error_code": 400, "description": words}, 400)

    def _send(self, method: str, body: dict[str, Any]) -> Reply:
        if method == "sendMessage":
            self.only(body, "chat_id", "text", "parse_mode", "link_preview_options")
            texts = [body["text"]]
        elif method == "sendPhoto":
            self.only(body, "chat_id", "photo", "caption", "parse_mode")
            texts = [body["caption"]]
        else:
            self.only(body, "chat_id", "media")
            texts = [one.get("caption", "") for one in body["media"]]
        if len(html.unescape(texts[0])) > (4096 if method == "sendMessage" else 1024):
            return self._refuse("Bad Request: message caption is too long")
        made = []
        for number, text in enumerate(texts):
            name = int(self.number()) + number
            self.posts[str(name)] = {"text": text, "photos": re.findall(r"https://[^\"\s]+", json.dumps(body))}
            made.append({"message_id": name, "chat": {"id": -1, "username": "tidewater_news"}})
        return Reply.of({"ok": True, "result": made if method == "sendMediaGroup" else made[0]})


class SlackServer(Network):
    """An incoming webhook."""

    commit = "/services/"

    @property
    def secret(self) -> str:
        return f"{self.url}/services/T000/B000/{self.token}"

    def throttled(self) -> Reply:
        return Reply(status=429, body=b"rate_limited", headers={"Retry-After": "30"})

    def expired(self) -> Reply:
        return Reply(status=404, body=b"no_service")

    def read(self, post: dict[str, Any]) -> str:
        shown = "".join(part["text"] for part in post["blocks"][0]["elements"][0]["elements"])
        assert html.unescape(post["text"]) == shown
        return shown

    def taken(self, request: Received) -> dict[str, Any]:
        body = self.only(request.json(), "channel", "text", "blocks", "unfurl_links", "unfurl_media", "ts")
        for block in body["blocks"]:
            if block["type"] == "image":
                self.only(block, "type", "image_url", "alt_text")
                self.files[block["image_url"]] = {"alt": block["alt_text"]}
            else:
                assert block["type"] == "rich_text"
        return body

    def answer(self, request: Received) -> Reply:
        if request.path != urlsplit(self.secret).path:
            return self.expired()
        self.posts[self.number()] = self.taken(request)
        return Reply(body=b"ok", headers={"Content-Type": "text/html"})


class SlackBotServer(SlackServer):
    """The web API: refusals come with status 200."""

    commit = "chat.postMessage"

    @property
    def secret(self) -> str:
        return self.token

    def expired(self) -> Reply:
        return Reply.of({"ok": False, "error": "token_expired"})

    def answer(self, request: Received) -> Reply:
        self.bearer(request)
        body = self.taken(request) if "chat.delete" not in request.path else request.json()
        if body.get("channel") != "C0123456789":
            return Reply.of({"ok": False, "error": "channel_not_found"})
        if request.path.endswith("chat.postMessage"):
            name = f"1700000000.{self.number()}"
            self.posts[name] = body
            return Reply.of({"ok": True, "ts": name})
        if body["ts"] not in self.posts:
            return Reply.of({"ok": False, "error": "message_not_found"})
        if request.path.endswith("chat.delete"):
            del self.posts[body["ts"]]
        else:
            self.posts[body["ts"]] |= body
        return Reply.of({"ok": True, "ts": body["ts"]})


class DiscordServer(Network):
    commit = "?wait=true"

    @property
    def secret(self) -> str:
        return f"{self.url}/api/webhooks/1/{self.token}"

    def throttled(self) -> Reply:
        return Reply.of({"message": "You are being rate limited.", "retry_after": 29.5, "global": False}, 429)

    def expired(self) -> Reply:
        return Reply.of({"message": "Unknown Webhook", "code": 10015}, 404)

    def read(self, post: dict[str, Any]) -> str:
        text = re.sub(r"((?:^|[^\\])(?:\\\\)*)<(https://[^>\s]+)>", r"\1\2", post["content"])  # an escaped one is text
        plain = re.sub(r"https?://\S+", "", text)
        if re.search(r"(?<!\\)(?:\\\\)*[*_~`|>#\[\]()<]", plain):
            raise AssertionError(f"unescaped: {text}")
        return re.sub(r"\\([\\*_~`|>#\[\]()<.+-])", r"\1", text)

    def answer(self, request: Received) -> Reply:
        parts = urlsplit(request.path)
        base = urlsplit(self.secret).path
        if not parts.path.startswith(base):
            return self.expired()
        name = parts.path.rpartition("/")[2] if "/messages/" in parts.path else ""
        if name and name not in self.posts:
            return Reply.of({"message": "Unknown Message", "code": 10008}, 404)
        if request.method == "DELETE":
            del self.posts[name]
            return Reply(status=204)
        files: dict[str, Any] = {}
        if request.headers["content-type"].startswith("multipart/"):
            files = self.form(request)
            body = json.loads(files.pop("payload_json"))
        else:
            body = request.json()
        self.only(body, "content", "embeds", "allowed_mentions", "attachments", "flags")
        if len(body["content"]) > 2000 or body["allowed_mentions"] != {"parse": []}:
            return Reply.of({"message": "Invalid Form Body", "code": 50035}, 400)
        for about in body.get("attachments", []):
            file = files[f"files[{about['id']}]"]
            self.keep(file["data"], file["type"], alt=about["description"])
        name = name or self.number()
        self.posts[name] = body
        return Reply.of({"id": name, "content": body["content"]})


class TeamsServer(Network):
    commit = "/workflows/"

    @property
    def secret(self) -> str:
        return f"{self.url}/workflows/abc/triggers/manual/paths/invoke?api-version=1&sig={self.token}"

    def throttled(self) -> Reply:
        return Reply(status=429, headers={"Retry-After": "30"})

    def expired(self) -> Reply:
        return Reply.of({"error": {"code": "DirectApiAuthorizationRequired", "message": "signature"}}, 401)

    def read(self, post: dict[str, Any]) -> str:
        lines = [block["inlines"] for block in post["body"] if block["type"] == "RichTextBlock"]
        return "\n".join("".join(run["text"] for run in runs) for runs in lines)

    def answer(self, request: Received) -> Reply:
        if parse_qs(urlsplit(request.path).query).get("sig") != [self.token]:
            return self.expired()
        if len(request.body) > 28_000:
            return Reply.of({"error": {"message": "Request Entity Too Large"}}, 413)
        body = self.only(request.json(), "type", "attachments")
        card = body["attachments"][0]["content"]
        self.only(card, "$schema", "type", "version", "lang", "body", "actions", "msteams")
        assert body["type"] == "message"
        for block in card["body"]:
            if block["type"] == "Image":
                self.files[block["url"]] = {"alt": block["altText"]}
        self.posts[self.number()] = card
        return Reply(status=202)


class MatrixServer(Network):
    commit = "/send/"

    def __init__(self) -> None:
        super().__init__()
        self._by_key: dict[str, str] = {}
        self.edits: dict[str, tuple[str, dict[str, Any]]] = {}  #: an edit keeps its own text
        self.redacted: list[str] = []
        self.relates = True  #: whether it has the relationships API
        self.sent: dict[str, tuple[str, str, float]] = {}  #: transaction, words and time of every event

    def readable(self) -> list[Any]:
        return [*self.posts.values(), *(content for _, content in self.edits.values())]

    def _read(self, path: str) -> Reply:
        if "/messages" in path:
            chunk = [
                {
                    "event_id": event,
                    "content": {"body": words} if event in self.posts or event in self.edits else {},
                    "origin_server_ts": int(at * 1000),
                    "unsigned": {"transaction_id": key},
                }
                for event, (key, words, at) in reversed(self.sent.items())
            ]
            return Reply.of({"chunk": chunk})
        if "/_matrix/client/v1/" not in path or "/m.replace" not in path or not self.relates:
            return Reply.of({"errcode": "M_UNRECOGNIZED", "error": "no such call"}, 404)
        first = unquote(path.partition("/relations/")[2].partition("/")[0])
        chunk = [{"event_id": event} for event, (about, _) in self.edits.items() if about == first]
        return Reply.of({"chunk": chunk})

    def throttled(self) -> Reply:
        return Reply.of({"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 30_000}, 429)

    def expired(self) -> Reply:
        return Reply.of({"errcode": "M_UNKNOWN_TOKEN", "error": "Access token has expired"}, 401)

    def read(self, post: dict[str, Any]) -> str:
        text = re.sub(r"<br><img [^>]*>", "", post["formatted_body"])
        shown = html.unescape(re.sub(r"<[^>]+>", "", text.replace("<br>", "\n")))
        assert shown == post["body"]
        return shown

    def answer(self, request: Received) -> Reply:
        self.bearer(request)
        parts = [unquote(part) for part in urlsplit(request.path).path.split("/")]
        if request.path.startswith("/_matrix/media/v3/upload"):
            return Reply.of(
                {"content_uri": f"mxc://matrix.example/{self.keep(request.body, request.headers['content-type'])}"}
            )
        if request.method == "GET":
            return self._read(request.path)
        if parts[:6] != ["", "_matrix", "client", "v3", "rooms", "!press:matrix.example"] or request.method != "PUT":
            return Reply.of({"errcode": "M_UNRECOGNIZED", "error": "no such call"}, 404)
        key = parts[-1]
        if key in self._by_key:
            return Reply.of({"event_id": self._by_key[key]})
        event = f"$event{self.number()}"
        self._by_key[key] = event
        if parts[6] == "redact":
            self.redacted.append(parts[7])
            self.posts.pop(parts[7], None)
            self.edits.pop(parts[7], None)
            return Reply.of({"event_id": event})
        body = self.only(
            request.json(), "msgtype", "body", "format", "formatted_body", "m.mentions", "m.new_content", "m.relates_to"
        )
        for found in re.findall(r'mxc://matrix.example/(\w+)" alt="([^"]*)"', body["formatted_body"]):
            self.files[found[0]]["alt"] = html.unescape(found[1])
        self.sent[event] = (key, body["body"], time.time())
        if relation := body.get("m.relates_to"):
            assert relation["rel_type"] == "m.replace"
            self.posts[relation["event_id"]] = body["m.new_content"]
            self.edits[event] = (relation["event_id"], body)
        else:
            self.posts[event] = body
        return Reply.of({"event_id": event})


class LineServer(Network):
    commit = "/broadcast"

    def __init__(self) -> None:
        super().__init__()
        self._by_key: dict[str, str] = {}

    def throttled(self) -> Reply:
        return Reply.of({"message": "The API rate limit has been exceeded. Try again later."}, 429)

    def expired(self) -> Reply:
        return Reply.of({"message": "Authentication failed. Confirm that the access token is valid."}, 401)

    def read(self, post: dict[str, Any]) -> str:
        return str(post["messages"][0]["text"])

    def answer(self, request: Received) -> Reply:
        self.bearer(request)
        key = str(uuid.UUID(request.headers["x-line-retry-key"]))
        if request.path != "/v2/bot/message/broadcast":
            return Reply.of({"message": "Not found"}, 404)
        if key in self._by_key:
            words = {"message": "The retry key is already accepted", "sentMessages": []}
            return Reply.of(words, 409, x_line_accepted_request_id=self._by_key[key])
        body = self.only(request.json(), "messages", "notificationDisabled")
        if not 1 <= len(body["messages"]) <= 5:
            return Reply.of({"message": "Size must be between 1 and 5"}, 400)
        for one in body["messages"][1:]:
            self.only(one, "type", "originalContentUrl", "previewImageUrl")
            self.files[one["originalContentUrl"]] = {}
        if len(regex.findall(r"(?s).", body["messages"][0]["text"])) > 5000:
            return Reply.of({"message": "Length must be between 0 and 5000"}, 400)
        self._by_key[key] = f"req-{self.number()}"
        self.posts[self._by_key[key]] = body
        return Reply.of({}, 200, x_line_request_id=self._by_key[key])
