"""What every test shares: the sample release on the built-in site, a kit at its lift, a clock that tests step."""

import atexit
import dataclasses
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings as hypothesis_settings

from distributor import reading, registry, settings, site
from distributor.contract import Channel, Kit, MediaFile
from distributor.release import Media, Release
from distributor.render import Templates
from tests import closing, sites
from tests.servers.postgres import Missing, Postgres

# Speed is measured in benchmarks/: a busy machine fails no test.
hypothesis_settings.register_profile("patient", deadline=None)
hypothesis_settings.load_profile("patient")

SAMPLE = site.BUILT_IN / "config" / "sample"


#: What programs write outside of a site goes there, not into the home of who tests.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="press-state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)


class FakeClock:
    """Stands still until told otherwise; a PostgreSQL of the test is told the same time."""

    server: ClassVar[Callable[[datetime], object] | None] = None

    def __init__(self, now: datetime) -> None:
        self._monotonic = 0.0
        self.set(now)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def step(self, by: timedelta) -> None:
        self._monotonic += by.total_seconds()
        self.set(self._now + by)

    def set(self, now: datetime) -> None:
        self._now = now
        if FakeClock.server:
            FakeClock.server(now)


@pytest.fixture(autouse=True)
def _unwrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test's output is as wide as the terminal of who runs it, or as a library makes it."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost in one file."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(["openssl", "req", "-x509", *key, "-days", "2", *names, *files], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL, or a skip that says why there is none."""
    try:
        server = Postgres()
    except Missing as error:
        pytest.skip(f"no PostgreSQL: {error}")
    with server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every site that the test makes has its ledger there; the server's clock is the FakeClock."""
    if request.param == "sqlite":
        return "sqlite"
    server: Postgres = request.getfixturevalue("postgres")
    url = server.database()
    name = url.rpartition("/")[2]
    server.execute(
        "CREATE SCHEMA fake; CREATE TABLE fake.clock (now timestamptz);"
        "INSERT INTO fake.clock VALUES (now());"
        "CREATE FUNCTION fake.statement_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT now FROM fake.clock';"
        "CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT now FROM fake.clock';"
        f"ALTER DATABASE {name} SET search_path = fake, public, pg_catalog",
        name,
    )
    monkeypatch.setattr(sites, "store", url)
    monkeypatch.setattr(FakeClock, "server", lambda now: server.execute(f"UPDATE fake.clock SET now = '{now}'", name))
    return url


@pytest.fixture
def asks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for a public page once for each attempt, and take any time for the answer: no clock
    decides whether a busy machine was quick enough.
    """
    monkeypatch.setattr("distributor.outbox.page._PATIENCE", 30.0)
    monkeypatch.setattr("distributor.outbox.page._BETWEEN", 30.0)


@pytest.fixture(autouse=True)
def _close_what_is_open() -> Iterator[None]:
    """Close what the test has put on the stack: web desks with their databases."""
    yield
    closing.opened.close()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker more than cores: many tests wait for a clock, a disk or a server."""
    return min(4, (os.cpu_count() or 1) + 1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="rewrite tests/golden from what the code makes now")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, bytes], None]:
    """Compare with a file in tests/golden, or rewrite it with --golden."""

    def compare(name: str, made: bytes) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made)
        assert path.read_bytes() == made, f"{path} differs; look at the change, then run pytest --golden"

    return compare


@pytest.fixture(scope="session")
def built_in() -> site.Site:
    return site.Site(None)


@pytest.fixture(scope="session")
def config(built_in: site.Site) -> settings.Settings:
    return settings.load(built_in)


@pytest.fixture
def places(tmp_path: Path) -> settings.Places:
    return settings.Places(
        public=tmp_path / "public", outbox=tmp_path / "outbox", state=tmp_path / "var", contacts=tmp_path / "contacts"
    )


@pytest.fixture
def sample_folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "releases"))


@pytest.fixture(scope="session")
def sample(config: settings.Settings) -> Release:
    return reading.read(SAMPLE / "harbour-line.md", config.house).release


@pytest.fixture
def make_release(sample: Release) -> Callable[..., Release]:
    """The sample with other facts; keys of the language version go into its main one (and drop the others)."""

    def make(**changes: Any) -> Release:
        text = {key: changes.pop(key) for key in list(changes) if key in type(sample.main).model_fields}
        languages = (sample.main.model_copy(update=text),) if text else sample.languages
        return sample.model_copy(update={"languages": languages, **changes})

    return make


@pytest.fixture(scope="session")
def templates(built_in: site.Site) -> Templates:
    """The built-in ones, compiled once."""
    return Templates(built_in.layers("templates"))


@pytest.fixture
def kit(
    built_in: site.Site, config: settings.Settings, sample: Release, sample_folder: Path, templates: Templates
) -> Kit:
    """Everything that a channel may use, at the sample's lift."""
    assert sample.embargoed_until

    def read_media(media: Media) -> MediaFile:
        assert media.file
        return MediaFile(name=media.file, content_type="image/jpeg", data=(sample_folder / media.file).read_bytes())

    return Kit(
        templates=templates,
        newsroom=config.newsroom,
        lift=sample.embargoed_until.instant.astimezone(UTC),
        networks=settings.networks(built_in),
        read_media=read_media,
    )


@pytest.fixture
def make_channel(built_in: site.Site, config: settings.Settings, places: settings.Places) -> Callable[..., Channel]:
    """A built-in channel with its shipped block, changed by keywords; a key set to None is removed."""

    def make(name: str, **changes: Any) -> Channel:
        block = {**config.channels[name], **changes}
        block = {key: value for key, value in block.items() if value is not None}
        changed = config.model_copy(update={"channels": {name: block}})
        return registry.build(built_in, changed, places, only=(name,))[name]

    return make


def at(kit: Kit, lift: datetime) -> Kit:
    """The kit with another lift."""
    return dataclasses.replace(kit, lift=lift)
