"""A small IMAP server on loopback for tests: one folder, one user, and the faults it is told."""

import base64
import socketserver
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass
class ImapSink:
    """Runs while its `with` block does."""

    mails: list[bytes]
    password: str = "pier"  #: of the user `desk`
    plain: bool = True  #: offers AUTH=PLAIN
    refuses: frozenset[int] = frozenset()  #: numbers of mails that cannot be fetched
    breaks_at: int = 0  #: the number of the mail at which the line goes dead
    seen: set[int] = field(default_factory=set, init=False)
    commands: list[str] = field(default_factory=list, init=False)
    port: int = field(default=0, init=False)

    def __enter__(self) -> Self:
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _Session(sink, self).run()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Session:
    def __init__(self, sink: ImapSink, line: socketserver.StreamRequestHandler) -> None:
        self.sink, self.line, self.known = sink, line, False

    def say(self, text: str | bytes) -> None:
        self.line.wfile.write((text.encode() if isinstance(text, str) else text) + b"\r\n")

    def run(self) -> None:
        self.say("* OK here")
        while raw := self.line.rfile.readline():
            tag, _, command = raw.decode().strip().partition(" ")
            self.sink.commands.append(command)
            if not self.answer(tag, command):
                return

    def answer(self, tag: str, command: str) -> bool:
        words = command.split(" ")
        name = " ".join(words[:2]).upper() if words[0].upper() == "UID" else words[0].upper()
        if name == "CAPABILITY":
            self.say(f"* CAPABILITY IMAP4rev1{' AUTH=PLAIN' if self.sink.plain else ''}")
        elif name == "AUTHENTICATE":
            self.say("+ ")
            given = base64.b64decode(self.line.rfile.readline()).decode().split("\0")
            return self.login(tag, given[1:])
        elif name == "LOGIN":
            return self.login(tag, [word.strip('"') for word in words[1:]])
        elif name == "LOGOUT":
            self.say("* BYE now")
            self.say(f"{tag} OK done")
            return False
        elif not self.known or (name == "SELECT" and words[1] != '"INBOX"'):
            self.say(f"{tag} NO not for you")
            return True
        elif name == "SELECT":
            self.say(f"* {len(self.sink.mails)} EXISTS")
        elif name == "UID SEARCH":
            left = [str(n) for n in range(1, len(self.sink.mails) + 1) if n not in self.sink.seen]
            self.say(" ".join(["* SEARCH", *left]))
        elif name == "UID STORE":
            self.sink.seen.add(int(words[2]))
        elif name == "UID FETCH":
            return self.fetch(tag, int(words[2]), words[3])
        self.say(f"{tag} OK done")
        return True

    def login(self, tag: str, given: list[str]) -> bool:
        self.known = given == ["desk", self.sink.password]
        self.say(f"{tag} {'OK in' if self.known else f'NO [AUTHENTICATIONFAILED] not with {given[-1]}'}")
        return True

    def fetch(self, tag: str, number: int, what: str) -> bool:
        if number == self.sink.breaks_at:
            return False
        if number in self.sink.refuses:
            self.say(f"{tag} NO that one is broken")
            return True
        mail = self.sink.mails[number - 1]
        if "SIZE" in what:
            self.say(f"* {number} FETCH (UID {number} RFC822.SIZE {len(mail)})")
        else:
            head = "BODY[]"
            if "<0." in what:
                mail, head = mail[: int(what.split("<0.")[1].partition(">")[0])], "BODY[]<0>"
            self.say(f"* {number} FETCH (UID {number} {head} {{{len(mail)}}}".encode() + b"\r\n" + mail + b")")
        self.say(f"{tag} OK done")
        return True
