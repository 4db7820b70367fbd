"""One connection that hands over mails back to back.

Where the server offers PIPELINING (RFC 2920) a whole envelope is one write, and the next envelope goes out behind the final
dot: one round trip a mail. Elsewhere every command waits for its answer. Only what follows a final dot can be in doubt
(RFC 1047): a connection lost before it has certainly delivered nothing.
"""

import asyncio
import re
import socket
from collections import deque
from collections.abc import Callable

from distributor.contract import DeliveryError, InDoubt, Refused, Unavailable, Unsupported

from . import replies
from .job import Job, Offer, Timeouts

_REPLY = re.compile(rb"[2-5]\d\d(?:[ -]|$)")
_LONGEST = 8192  #: of an answer; more is no SMTP


class Line(asyncio.Protocol):
    """Takes over a connection that is encrypted and logged in. `more` gives the next mail, if one waits; `idle` is told when
    none does and an envelope may be written, `lost` when the connection is gone, with the mail that nothing was written of.
    """

    def __init__(
        self,
        *,
        host: str,
        offer: Offer,
        timeouts: Timeouts,
        hide: Callable[[], list[str]],
        most: int | None,
        more: Callable[["Line"], Job | None],
        idle: Callable[["Line"], None],
        lost: Callable[["Line", Job | None], None],
    ) -> None:
        """`most` is how many mails one connection may carry; `hide` names what no answer may show."""
        self._host, self._offer, self._timeouts, self._hide = host, offer, timeouts, hide
        self._left = most
        self._more, self._idle, self._lost = more, idle, lost
        self._expected: deque[tuple[str, Job | None]] = deque()
        self._buffer = b""
        self._paused = False
        self._why = "the connection was lost"
        self._carried = 0  #: mails that this line is done with
        self._again: Job | None = None
        self.deadline = float("inf")
        self.closed = False
        self.gone = asyncio.Event()

    # ── what goes out ─────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, transport: asyncio.WriteTransport) -> None:
        """Speak on this transport from now on."""
        self._transport = transport
        transport.set_write_buffer_limits(high=0)  # told at once when something has not left this process
        if (wire := transport.get_extra_info("socket")) is not None:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an envelope never waits for an acknowledgement
        self._loop = asyncio.get_running_loop()

    def start(self, job: Job) -> None:
        """Write a mail's envelope."""
        problem = self._unfit(job)
        if problem:
            job.fail(problem)
            self._next()
            return
        if self._left is not None:
            self._left -= 1
        mail = self._mail(job)
        if self._offer.pipelining:
            self._expect(("MAIL", job), ("RCPT", job), ("DATA", job))
            self._transport.write(mail + self._rcpt(job) + b"DATA\r\n")
        else:
            self._expect(("MAIL", job))
            self._transport.write(mail)

    def _unfit(self, job: Job) -> DeliveryError | None:
        """Why the mail need not travel at all (RFC 1870, RFC 6531)."""
        if self._offer.size and self._offer.size < len(job.wire):
            return Refused(f"the mail has {len(job.wire)} bytes; {self._host} takes at most {self._offer.size}")
        if not job.recipient.isascii() and not self._offer.smtputf8:
            return Unsupported(f"{self._host} does not take the address {job.recipient}: it offers no SMTPUTF8")
        return None

    def _mail(self, job: Job) -> bytes:
        options = f" SIZE={len(job.wire)}" if self._offer.size is not None else ""
        options += "" if job.recipient.isascii() else " SMTPUTF8 BODY=8BITMIME"
        return f"MAIL FROM:<{job.sender}>{options}\r\n".encode()

    @staticmethod
    def _rcpt(job: Job) -> bytes:
        return f"RCPT TO:<{job.recipient}>\r\n".encode()

    def _expect(self, *answers: tuple[str, Job | None]) -> None:
        self._expected.extend(answers)
        self._wait_for(self._expected[0][0])

    def _wait_for(self, what: str) -> None:
        seconds = {"DATA": self._timeouts.data, "DOT": self._timeouts.dot}.get(what, self._timeouts.command)
        seconds = self._timeouts.body if self._paused else seconds
        self.deadline = self._loop.time() + seconds

    def _body(self, job: Job) -> None:
        """The mail and its dot; then the next envelope, once all of that has left."""
        self._expect(("DOT", job))
        wire = job.wire.replace(b"\n.", b"\n..") if b"\n." in job.wire else job.wire  # RFC 5321 §4.5.2
        wire = b"." + wire if wire.startswith(b".") else wire
        job.tell()
        self._transport.write(wire + b".\r\n")
        if not self._paused and self._offer.pipelining and self._left != 0:
            self._next()

    def pause_writing(self) -> None:
        """Something has not left this process."""
        self._paused = True

    def resume_writing(self) -> None:
        """Everything has."""
        self._paused = False
        if self._expected:
            self._wait_for(self._expected[0][0])

    # ── what comes in ─────────────────────────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes) -> None:
        """Answers, whole or in parts."""
        if self.closed:
            self._transport.close()  # it said goodbye, too
            return
        self._buffer += data
        while not self.closed and (answer := self._whole()):
            self._answered(*answer)
        if len(self._buffer) > _LONGEST:
            self.abort("it answered what is no SMTP")

    def _whole(self) -> tuple[int, bytes] | None:
        """The first whole answer in the buffer, of one line or several (RFC 5321 §4.2)."""
        texts, start = [], 0
        while (end := self._buffer.find(b"\n", start)) >= 0:
            line = self._buffer[start:end].rstrip(b"\r")
            if not _REPLY.match(line):
                self.abort("it answered what is no SMTP")
                return None
            texts.append(line[4:])
            start = end + 1
            if line[3:4] != b"-":
                self._buffer = self._buffer[start:]
                return int(line[:3]), b" ".join(texts)
        return None

    def _answered(self, code: int, text: bytes) -> None:
        """One whole answer."""
        if not self._expected:
            self.abort(f"it said {code} unasked")
            return
        what, job = self._expected.popleft()
        if job is not None:
            self._of(what, job, code, text)
        if self.closed:
            return
        if self._expected:
            self._wait_for(self._expected[0][0])
        else:
            self.deadline = float("inf")
            self._next()

    def _of(self, what: str, job: Job, code: int, text: bytes) -> None:
        if what == "RSET":
            job.fail(job.error or Unavailable(self._why))
            return
        named = {"MAIL": "the sender", "RCPT": "the recipient", "DATA": "the message", "DOT": "the message"}[what]
        if what == "DOT":
            self._landed(job, code, text)
            return
        good = code == 354 if what == "DATA" else 200 <= code < 300
        if code == 421 and self._carried:  # a kept line is sent away: another one is asked
            self._again = job if job.tries == 0 else None
            job.error = None if self._again else Unavailable(f"{self._host} closes its connections")
            self._expected.appendleft((what, job))
            self.abort("it closes the connection")
            return
        if not good and job.error is None:
            found = replies.outcome(code, text, host=self._host, what=named, hide=self._hide())
            job.error = found or Unavailable(f"{self._host} answered {code} to {named}")
        if what == "DATA" and code == 354:
            if job.error is None:
                self._body(job)
            else:  # nobody to send to, and yet it waits for a body: an empty one (RFC 2920 §3.1)
                self._expect(("VOID", None))
                self._transport.write(b".\r\n")
                job.fail(job.error)
        elif what == "DATA" or (job.error and not self._offer.pipelining):
            self._give_up(job)
        elif not self._offer.pipelining:
            following, command = ("RCPT", self._rcpt(job)) if what == "MAIL" else ("DATA", b"DATA\r\n")
            self._expect((following, job))
            self._transport.write(command)

    def _give_up(self, job: Job) -> None:
        """The envelope was refused: end the transaction."""
        self._carried += 1
        job.error = job.error or Unavailable(self._why)
        self._expect(("RSET", job))
        if isinstance(job.error, Unavailable):
            self.abort("it turned the mail away")
        else:
            self._transport.write(b"RSET\r\n")

    def _landed(self, job: Job, code: int, text: bytes) -> None:
        named = "the message"
        self._carried += 1
        if 200 <= code < 300:
            if not job.done.done():
                job.done.set_result(f"{code} {text.decode('utf-8', 'replace')}"[:300])
            return
        found = replies.outcome(code, text, host=self._host, what=named, hide=self._hide())
        job.fail(found or replies.strange(code, text, host=self._host, what=named, hide=self._hide()))
        if code == 421:
            self.abort("it closes the connection")

    def _next(self) -> None:
        """Take the next mail, or be idle."""
        if self._left == 0:
            self.quit()
        elif job := self._more(self):
            self.start(job)
        else:
            self._idle(self)

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    def quit(self) -> None:
        """Say goodbye; the answer to it closes the line."""
        if not self.closed:
            self._transport.write(b"QUIT\r\n")
            self._end()

    def abort(self, why: str) -> None:
        """Close at once: what still waits to be written must not leave."""
        self._transport.abort()
        if not self.closed:
            self._why = why
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side hung up, or the network did."""
        self.gone.set()
        if not self.closed:
            name = getattr(exc, "strerror", None) or (type(exc).__name__ if exc else "")
            self._why = f"{self._why}{': ' + name if name else ''}"
            self._end()

    def eof_received(self) -> bool:
        """It will say nothing more."""
        return False

    def _end(self) -> None:
        """Say of every mail what is known: after its dot it is in doubt, before that nothing was sent."""
        self.closed = True
        retry, self._again = self._again, None
        for what, job in self._expected:
            if job is None or job.done.done():
                continue
            if what == "DOT" and not self._paused:
                job.fail(InDoubt(f"{self._host} gave no answer to the message: {self._why}"))
            elif self._carried and what != "DOT" and job.tries == 0 and retry is None and job.error is None:
                retry = job  # a kept line had died meanwhile
            elif job is not retry:
                job.fail(job.error or Unavailable(f"{self._host}: {self._why}; nothing was sent"))
        self._expected.clear()
        if retry:
            retry.tries += 1
        self._lost(self, retry)
