"""Requests on disk, and how long the other side wants us to wait."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor.http import Request, read_local, retry_after, write_local
from distributor.outcomes import Refused

NOW = datetime(2030, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize("body", [b'{"status":"\xe6\xb8\xaf"}', b"", b"\xff\xfe\x00 not text"])
def test_a_written_request_gives_its_body_back(tmp_path: Path, body: bytes) -> None:
    path = write_local(tmp_path, "k" * 32, Request(method="POST", url="https://x.example", body=body))
    assert read_local(path) == body
    assert read_local(tmp_path / "none.json") is None


@pytest.mark.parametrize("key", ["../../evil", "a/b", "", "a\x00b"])
def test_a_key_never_leaves_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(Refused):
        write_local(tmp_path / "outbox", key, Request(method="POST", url="https://x.example"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["inf", "nan", "1e30", "99999999999999", "-5", "soon", ""])
def test_a_nonsense_wait_says_nothing(value: str) -> None:
    assert retry_after({"retry-after": value}, NOW) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2.5", 2.5), ("Tue, 05 Mar 2030 00:05:00 GMT", 300), (str(int(NOW.timestamp()) + 60), 60), ("999999", 86400)],
)
def test_a_wait_is_read_in_every_form_and_never_longer_than_a_day(value: str, seconds: float) -> None:
    assert retry_after({"retry-after": value}, NOW) == NOW + timedelta(seconds=seconds)
