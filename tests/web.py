"""A press office in a browser: a site, its people, and a client signed in as one of them."""

import re
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from distributor.desk import Desk
from distributor.site import Site
from distributor.store.people import Account, People
from distributor.web import passwords
from distributor.web.app import app
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, NOW

PASSWORD = "correct horse battery"
BLOCKS = """
[channels.mail]
type = "email"
sender = "Press <press@lam.example>"
to = ["Wan <wan@post.example>", "ada@ferry.example"]

[channels.rss]
type = "rss"
"""


class Office:
    """One site behind the desk's pages, under a clock that tests step."""

    def __init__(self, folder: Path, blocks: str = BLOCKS, **changes: str) -> None:
        self.root = sites.make(folder / "site", blocks)
        (self.root / "releases").mkdir(exist_ok=True)
        self.clock = FakeClock(NOW)
        self.path = sites.release(self.root / "releases", LIFT, **changes)
        self.desk = Desk(site=Site(self.root), clock=self.clock)
        self.ledger = self.desk.ledger(create=True).__enter__()
        self.people = People(self.ledger)
        stored = _hashed()
        for role in ("author", "approver", "admin"):
            self.people.add(
                Account(name=role, role=role, password=stored, lang="en", zone="Europe/Paris", disabled=False)
            )
        self.app: Starlette = app(Site(self.root), self.clock, self.ledger, base="http://testserver")

    def client(self, role: str = "") -> "Client":
        """A browser; signed in where a role is named."""
        made = Client(self.app, follow_redirects=False)
        if role:
            answer = made.post("/signin", data={"name": role, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
        return made


class Client(TestClient):
    """Knows the CSRF token of its session."""

    def send_form(self, url: str, data: dict[str, Any] | None = None, *, at: str = "/account") -> Any:
        """POST a form as the page at `at` would."""
        token = re.search(r'name="csrf" value="([^"]+)"', self.get(at).text)
        assert token
        return self.post(url, data={"csrf": token[1], **(data or {})})


_KEPT: list[str] = []


def _hashed() -> str:
    if not _KEPT:
        _KEPT.append(passwords.hashed(PASSWORD))
    return _KEPT[0]
