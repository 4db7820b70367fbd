"""What SpamAssassin says about a mail, where it is installed on this machine; asks nobody in the network."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser

from distributor.errors import ActionError

PROGRAM = "spamassassin"
#: Local tests only (-L), always answer (-t), write nothing into the home (-x). The mail is not learned from: it is no
#: evidence of what this person's mail looks like. The points of each rule come in a header, which is not cut or translated.
_OPTIONS = (
    "-L", "-t", "-x", "--cf=bayes_auto_learn 0", "--cf=report_safe 0", "--cf=fold_headers 0",
    "--cf=add_header all Points _TESTSSCORES(,)_",
)  # fmt: skip
_STATUS = re.compile(r"score=(?P<score>-?\d+(?:\.\d+)?)\s+required=(?P<required>-?\d+(?:\.\d+)?)")
_VERSION = re.compile(r"SpamAssassin (\S+)")
_POINTS = re.compile(r"(\w+)=(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Points: a mail with `required` or more is taken for spam."""

    score: float
    required: float
    version: str  #: of SpamAssassin; empty where it does not say
    rules: tuple[tuple[str, float], ...]  #: name and points, the worst first

    def __str__(self) -> str:
        """`spam score −0.1 of 5.0 (SpamAssassin 4.0.1): RULE 0.5, …`."""
        program = f"SpamAssassin {self.version}".strip()
        rules = ", ".join(f"{name} {_points(points)}" for name, points in self.rules) or "no rule matched"
        return f"spam score {_points(self.score)} of {_points(self.required)} ({program}): {rules}"


def score(wire: bytes, timeout: float = 60) -> Score | None:
    """The score of a mail as it goes out, after at most `timeout` seconds; None where SpamAssassin is not installed.

    Raises ActionError where it fails, takes longer, or answers without a score. Rules that need the network or the way
    the mail took (SPF, DKIM, block lists, the receiver's own training) are not asked, so a receiver may decide otherwise.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  the program is the one in PATH; the mail is its input, not its argument
            [program, *_OPTIONS], input=wire, capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise ActionError(f"SpamAssassin took longer than {timeout:g} seconds") from None
    except OSError as error:
        raise ActionError(f"SpamAssassin cannot be started: {error.strerror}") from None
    made = read(done.stdout)
    if made is None:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ActionError(f"SpamAssassin gave no score{f': {said[-1]}' if said else ''}")
    return made


def read(answer: bytes) -> Score | None:
    """The score in SpamAssassin's own headers; None where there is none."""
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(answer)
    found = _STATUS.search(str(headers.get("X-Spam-Status", "")))
    if found is None:
        return None
    version = _VERSION.search(str(headers.get("X-Spam-Checker-Version", "")))
    points = [(name, float(value)) for name, value in _POINTS.findall(str(headers.get("X-Spam-Points", "")))]
    return Score(
        score=float(found["score"]),
        required=float(found["required"]),
        version=version[1] if version else "",
        rules=tuple(sorted(points, key=lambda rule: (-rule[1], rule[0]))),
    )


def _points(value: float) -> str:
    """With one digit and a real minus; what rounds to nothing has no sign."""
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", "−")
