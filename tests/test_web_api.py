"""The JSON API: the same actions, the same sentences, and a document that is true."""

from pathlib import Path
from typing import Any, cast

import jsonschema_rs
import pytest
from httpx import Response

from distributor.errors import ActionError
from distributor.web.api import BASE, OPERATIONS
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
    assert {("approver", "schedule"), ("approver", "API scheduleRelease")} <= {
        (deed.who, deed.action) for deed in office.house.people.deeds()
    }


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
    program = office.program("approver")
    document = program.get(f"{BASE}/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert {(path, method.upper()) for path, item in document["paths"].items() for method in item} == {
        (one.path, one.method) for one in OPERATIONS
    }
    program.post(f"{BASE}/releases/three-piers/schedule")
    bodies = {"rescheduleRelease": {"at": "2030-07-01 09:00 Asia/Hong_Kong"}}
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
            assert answer.status_code == 200 or release == "nobody", (one.name, answer.text)


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
