"""The JSON API: the same actions, the same sentences, and a document that is true."""

from pathlib import Path
from typing import Any, cast

import jsonschema_rs
import pytest
from httpx import Response

from distributor.errors import ActionError
from distributor.web.api import BASE, OPERATIONS
from tests import sites
from tests.scheduled import LIFT
from tests.web import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path / "press")
    made.release()
    return made


def said(answer: Response) -> str:
    return " ".join(error["text"] for error in answer.json()["errors"])


def test_a_release_from_draft_to_canceled(office: Office) -> None:
    program = office.program("approver")
    [row] = program.get(f"{BASE}/releases").json()["releases"]
    assert (row["id"], row["file"], row["status"], row["channels"]) == ("three-piers", "piers", "draft", ["box"])
    preview = program.get(f"{BASE}/releases/three-piers/preview").json()
    assert [one["channel"] for one in preview["messages"]] == ["box"]
    done = program.post(f"{BASE}/releases/three-piers/schedule").json()
    assert (done["already"], done["seal"]) == (False, preview["seal"])
    assert program.post(f"{BASE}/releases/three-piers/schedule", json={}).json()["already"] is True
    for action, state in (("hold", "held"), ("resume", "planned"), ("cancel", "canceled")):
        assert program.post(f"{BASE}/releases/three-piers/{action}").json()["deliveries"] == 1
        status = program.get(f"{BASE}/releases/three-piers/status").json()
        assert [one["state"] for one in status["deliveries"]] == [state]
    assert program.get(f"{BASE}/releases/three-piers").json()["status"] == "canceled"
    assert program.get(f"{BASE}/status").json()["releases"]["canceled"] == 1


def test_a_release_is_moved_to_another_time(office: Office) -> None:
    program = office.program("approver")
    program.post(f"{BASE}/releases/three-piers/schedule")
    moved = program.post(f"{BASE}/releases/three-piers/reschedule", json={"at": "2030-07-01 09:00 Asia/Hong_Kong"})
    assert moved.status_code == 200
    one = program.get(f"{BASE}/releases/three-piers/status").json()
    assert (one["lift"], one["zone"]) == ("2030-07-01T01:00:00Z", "Asia/Hong_Kong")


def test_who_did_it_is_in_the_history(office: Office) -> None:
    office.program("approver").post(f"{BASE}/releases/three-piers/schedule")
    [deed] = office.house.people.deeds()
    assert (deed.who, deed.action, deed.address) == ("approver", "schedule", "203.0.113.7")


def test_errors_are_the_sentences_of_the_command_line(office: Office) -> None:
    program = office.program("approver")
    program.post(f"{BASE}/releases/three-piers/schedule")
    with pytest.raises(ActionError) as error:
        office.desk.cancel("three-pires")
    assert said(program.post(f"{BASE}/releases/three-pires/cancel")) == str(error.value)
    wrong = program.post(f"{BASE}/releases/three-piers/schedule", json={"at": "tomorrow 9 am"})
    assert wrong.status_code == 422
    assert "is not a time" in said(wrong)
    assert "is before the embargo" in said(
        program.post(f"{BASE}/releases/three-piers/schedule", json={"at": "2001-01-01 09:00 UTC"})
    )
    assert "did you mean 'three-piers'" in said(program.post(f"{BASE}/releases/three-pires/schedule"))


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"at": 5}', "application/json", 422),
        (b'{"when": "now"}', "application/json", 422),
        (b"[]", "application/json", 422),
        (b"[" * 90_000, "application/json", 400),
        (b"at=now", "application/x-www-form-urlencoded", 415),
        (b"\xff\xfe", "application/json", 400),
        (b'{"at": "\\ud800"}', "application/json", 422),
        (b'{"at": "\\u0000"}', "application/json", 422),
        (b" " * 200_000, "application/json", 413),
    ],
)
def test_a_body_that_is_no_good_is_refused(office: Office, content: bytes, kind: str, status: int) -> None:
    program = office.program("approver")
    answer = program.post(f"{BASE}/releases/three-piers/schedule", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert said(answer)
    assert office.browser().get("/releases").text.count("is-draft") == 1


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer pd_guessed", "Basic YWRtaW46eA==", "bearer pd_" + "x" * 500]
)
def test_without_a_token_there_is_nothing(office: Office, header: str) -> None:
    client = office.anonymous()
    answer = client.get(f"{BASE}/releases", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_every_answer_is_as_the_document_says(office: Office) -> None:
    program = office.program("admin")
    document = program.get(f"{BASE}/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert {(path, method.upper()) for path, item in document["paths"].items() for method in item} == {
        (one.path, one.method) for one in OPERATIONS
    }
    program.post(f"{BASE}/releases/three-piers/schedule")
    bodies = {
        "rescheduleRelease": {"at": "2030-07-01 09:00 Asia/Hong_Kong"},
        "approveRelease": {"agreed": program.get(f"{BASE}/releases/three-piers/preview").json()["agreed"]},
        "settleRelease": {"there": True},
        "killRelease": {"sure": "three-piers"},
        "confirmDestination": {"channel": "box"},
    }
    # Nothing has gone wrong, nothing was edited, and every channel leads where it was agreed.
    refused = ("settleRelease", "retryRelease", "replaceRelease", "confirmDestination")
    for release in ("three-piers", "nobody"):
        for one in OPERATIONS:
            answer = program.request(
                one.method,
                BASE + one.path.replace("{release}", release),
                json=bodies.get(one.name) if one.body else None,
            )
            said_of = document["paths"][one.path][one.method.lower()]["responses"][str(answer.status_code)]
            schema = {**said_of["content"]["application/json"]["schema"], "components": document["components"]}
            jsonschema_rs.validator_for(schema).validate(answer.json())
            fine = "{release}" not in one.path or (release != "nobody" and one.name not in refused)
            assert (answer.status_code == 200) is fine, (one.name, answer.text)


def test_who_looked_approves_and_lets_out_that_and_nothing_else(tmp_path: Path) -> None:
    """With four eyes a program is one of the two, and says what it looked at."""
    office = Office(tmp_path / "press", blocks="[policy]\nfour_eyes = true\n" + sites.box(tmp_path / "press"))
    path, here = office.release(), f"{BASE}/releases/three-piers"
    first, second = office.program("admin"), office.program("approver")
    assert second.post(f"{here}/schedule").status_code == 422
    agreed = first.get(f"{here}/preview").json()["agreed"]
    path.write_text(path.read_text().replace("headline: Three", "headline: Four"))
    wrong = first.post(f"{here}/approve", json={"agreed": agreed})
    assert (wrong.status_code, "other bytes or times" in said(wrong)) == (422, True)
    agreed = first.get(f"{here}/preview").json()["agreed"]
    assert first.post(f"{here}/approve", json={"agreed": agreed}).json()["approved_by"] == ["admin"]
    assert second.get(f"{here}/approval").json()["agreed"] == agreed
    assert second.get(f"{here}/approval", params={"at": "2030-07-01 09:00 UTC"}).json()["approved_by"] == []
    later = {"at": "2030-07-01 09:00 UTC"}
    assert first.post(f"{here}/approve", json={**later, "agreed": agreed}).status_code == 422
    assert second.post(f"{here}/schedule", json={"agreed": "0" * 64}).status_code == 422
    assert first.post(f"{here}/revoke").json()["approved_by"] == []
    assert second.post(f"{here}/schedule", json={"agreed": agreed}).status_code == 422
    first.post(f"{here}/approve", json={"agreed": agreed})
    assert second.post(f"{here}/schedule", json={"agreed": agreed}).json()["already"] is False


def test_what_went_wrong_is_retried_settled_and_withdrawn(tmp_path: Path) -> None:
    folder, here = tmp_path / "press", f"{BASE}/releases/three-piers"
    blocks = sites.box(folder, to=["a@x"], fault="refused") + sites.box(folder, "wall", to=["b@x"], fault="in-doubt")
    office = Office(folder, blocks=blocks)
    office.desk.schedule(office.release())
    office.clock.set(LIFT)
    office.drain()
    program = office.program("approver")
    states = [one["state"] for one in program.get(f"{here}/report").json()["versions"][0]["deliveries"]]
    assert sorted(states) == ["in_doubt", "refused"]
    assert program.post(f"{here}/retry", json={"channel": "wall"}).status_code == 422
    assert program.post(f"{here}/retry", json={"channel": "box"}).json()["deliveries"] == {"box": 1}
    assert program.post(f"{here}/settle", json={"there": True, "url": "javascript:alert(1)"}).status_code == 422
    settled = program.post(f"{here}/settle", json={"there": True, "url": "https://wall.example/1"}).json()["deliveries"]
    assert [(one["state"], one["url"]) for one in settled] == [("delivered", "https://wall.example/1")]
    assert program.post(f"{here}/kill", json={"sure": "three-piers"}).status_code == 403
    admin = office.program("admin")
    assert admin.post(f"{here}/kill", json={"sure": "another"}).status_code == 422
    assert admin.post(f"{here}/kill", json={"sure": "three-piers"}).json() == {
        "release": "three-piers", "taken_back": {}, "left": {"wall": 1}, "to_do": {"wall": "tell those who have it"},
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_document_survives_what_schemathesis_makes_of_it(office: Office) -> None:
    import schemathesis
    from hypothesis import HealthCheck, given, settings

    program = office.program("approver")
    document = program.get(f"{BASE}/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    for found in schema.get_all_operations():
        operation = cast("Any", found).ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def check(case: Any) -> None:
            facts = case.as_transport_kwargs(base_url=f"{office.base}{BASE}")
            facts["headers"] = {**facts.get("headers", {}), "Authorization": program.headers["Authorization"]}
            facts.pop("cookies", None)
            answer = program.request(**facts)
            assert str(answer.status_code) in operation.definition.raw["responses"], answer.text  # noqa: B023  it runs now

        check()
