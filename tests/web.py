"""A press office with a desk: a site, its people, and browsers that are signed in."""

import re
from pathlib import Path

from httpx import Response
from starlette.testclient import TestClient

from distributor.desk import Desk
from distributor.site import Site
from distributor.store.people import Account
from distributor.web import people
from distributor.web.app import app, close
from distributor.web.kit import House, Role
from tests import closing, sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, NOW, drain, outbox

BASE = "http://127.0.0.1:8700"
PASSWORD = "four boats in a row"
#: One argon2 hash for everybody: a test has no time for four.
HASH = people.hashed(PASSWORD)


class Office:
    """A site with a box channel, an author, an approver and an admin, under a clock that tests step."""

    def __init__(
        self, folder: Path, *, base: str = BASE, blocks: str = "", proxies: tuple[str, ...] = (), crew: bool = True
    ) -> None:
        self.root = sites.make(folder, blocks or sites.box(folder))
        (self.root / "releases").mkdir()
        self.clock = FakeClock(NOW)
        self.base = base
        self.app = app(Site(self.root), self.clock, base=base, proxies=proxies)
        closing.opened.callback(close, self.app)
        self.house: House = self.app.state.house
        for role in Role if crew else ():
            self.house.people.add(role.value, role, lang="en", zone="Europe/London", now=NOW, password=HASH)

    @property
    def desk(self) -> Desk:
        return Desk(site=Site(self.root), clock=self.clock, who="somebody")

    def release(self, name: str = "piers", **changes: str) -> Path:
        return sites.release(self.root / "releases", LIFT, name, **changes)

    def drain(self) -> int:
        """Send what is due."""
        return drain(self.desk, lambda ledger: outbox(self.desk, ledger, self.clock, []))

    def anonymous(self, address: str = "203.0.113.7") -> TestClient:
        client = (address, 50_000)
        return TestClient(self.app, base_url=self.base, follow_redirects=False, client=client)

    def browser(self, name: str = "author") -> TestClient:
        """Signed in, without the way through the form."""
        client = self.anonymous()
        secret = people.begin(self.house.people, name, address="", now=self.clock.now())
        client.cookies.set(people.cookie(self.house.secure), secret)
        return client

    def program(self, role: str = "author") -> TestClient:
        """A client of the API, with a token of whoever is called like the role."""
        who = people._person(self.account(role), role)
        token = people.new_token(self.house.people, who, label="test", role=Role(role), now=self.clock.now())
        client = self.anonymous()
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    def account(self, name: str) -> Account:
        found = self.house.people.find(name)
        assert found
        return found


def csrf(client: TestClient, url: str = "/account") -> str:
    """The token of a form on a page."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(url).text)
    assert found, url
    return found[1]


def sign_in(client: TestClient, name: str = "author", password: str = PASSWORD, **more: str) -> Response:
    """Through the form."""
    token = csrf(client, "/signin")
    answer: Response = client.post("/signin", data={"csrf": token, "name": name, "password": password, **more})
    return answer


def move(client: TestClient, **fields: str) -> Response:
    """Look first, then move what was looked at."""
    seen = re.search(r'name="sure" value="([0-9a-f]{64})"><button>', client.get("/calendar/move", params=fields).text)
    sure = {"sure": seen[1]} if seen else {}
    answer: Response = client.post("/calendar/move", data={"csrf": csrf(client, "/account"), **sure, **fields})
    return answer
