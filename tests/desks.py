"""A running web desk for tests: a site with the sample, two people, and a browser without a screen."""

import re
import shutil
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from distributor.site import BUILT_IN, Site
from distributor.web import people
from distributor.web.app import app, close
from distributor.web.drafts import Drafts
from tests import closing
from tests.conftest import FakeClock

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it would rather have httpx2, which is httpx under another name
    from starlette.testclient import TestClient

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
BASE = "http://127.0.0.1"
NAME = "harbour-line"


class WebDesk:
    """The desk of a copy of the built-in site, whose releases are the sample."""

    def __init__(self, root: Path, config: str = "") -> None:
        shutil.copytree(BUILT_IN / "config", root / "config")
        shutil.copytree(BUILT_IN / "config" / "sample", root / "releases")
        if config:
            (root / "config" / "distributor.toml").write_text(config)
        self.root, self.clock = root, FakeClock(NOW)
        self.app = app(Site(root), self.clock, base=BASE)
        closing.opened.callback(close, self.app)
        self.house = self.app.state.house
        for name, role in (("mira", "author"), ("tom", "author")):
            self.house.people.add(name, role, lang="en", zone="Asia/Hong_Kong", now=NOW, password="x" * 4 + "y" * 20)

    def client(self, name: str = "mira") -> TestClient:
        """A browser in which somebody is signed in."""
        secret = people.begin(self.house.people, name, address="127.0.0.1", now=self.clock.now())
        client = TestClient(self.app, base_url=BASE, follow_redirects=False, raise_server_exceptions=True)
        client.cookies.set(people.cookie(secure=False), secret)
        client.headers["X-CSRF"] = csrf(client)
        return client

    @property
    def drafts(self) -> Drafts:
        return Drafts(self.root, self.root / "var")

    def text(self, key: str = "") -> str:
        return (self.root / "releases" / f"{NAME}{key and '.'}{key}.md").read_text()


def csrf(client: TestClient) -> str:
    found = re.search(r'data-csrf="(\w+)"', client.get("/releases/new").text)
    assert found
    return found[1]


def fields(html: str) -> dict[str, str]:
    """What a browser without JavaScript would send back of the form on the page."""
    from lxml import html as parser

    form: Any = next(form for form in parser.fromstring(html).forms if form.get("id") == "edit")
    values = {str(key): str(value) for key, value in form.form_values()}
    return {key: value.removeprefix("\n") for key, value in values.items()}
