"""A change that breaks clients of the previous version is reported; an addition is not."""

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api_contract.compatibility import breaking_changes
from api_contract.document import FILE, released_document

Document = dict[str, Any]

REQUEST: Document = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "channel": {"$ref": "#/components/schemas/Channel"},
        "parent": {"$ref": "#/components/schemas/New"},
    },
}
RESPONSE: Document = {
    "type": "object",
    "required": ["id", "steps"],
    "properties": {
        "id": {"type": "integer"},
        "note": {"type": "string"},
        "status": {"anyOf": [{"$ref": "#/components/schemas/Status"}, {"type": "string"}]},
        "steps": {"type": "array", "items": {"type": "object", "properties": {"at": {"type": "string"}}}},
        "parent": {"$ref": "#/components/schemas/Campaign"},
    },
}
OLD: Document = {
    "paths": {
        "/campaigns": {
            "post": {
                "operationId": "create_campaign",
                "parameters": [{"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
                "responses": {
                    "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Campaign"}}}},
                    "400": {"description": "wrong"},
                },
            },
            "get": {"operationId": "list_campaigns", "responses": {}},
        },
        "/customers": {"get": {"operationId": "list_customers", "responses": {}}},
    },
    "components": {
        "schemas": {
            "New": REQUEST,
            "Campaign": RESPONSE,
            "Channel": {"type": "string", "enum": ["sms", "whatsapp"]},
            "Status": {"type": "string", "enum": ["draft", "sent"]},
        }
    },
}
POST = "POST /campaigns"


def post(document: Document) -> Document:
    found: Document = document["paths"]["/campaigns"]["post"]
    return found


def schema(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]
    return found


BREAKING: list[tuple[Callable[[Document], object], str]] = [
    (lambda new: new["paths"].pop("/customers"), "/customers: the path was removed"),
    (lambda new: new["paths"]["/campaigns"].pop("get"), "GET /campaigns: the method was removed"),
    (
        lambda new: post(new).update(operationId="add_campaign"),
        f"{POST}: the operation id create_campaign was removed",
    ),
    (lambda new: post(new)["parameters"].clear(), f"{POST}: header parameter idempotency-key was removed"),
    (
        lambda new: post(new)["parameters"][0].update(required=True),
        f"{POST}: header parameter idempotency-key became required",
    ),
    (
        lambda new: post(new)["parameters"].append({"in": "query", "name": "dry", "required": True, "schema": {}}),
        f"{POST}: query parameter dry is new and required",
    ),
    (lambda new: post(new)["requestBody"].update(required=True), f"{POST}: request became required"),
    (lambda new: schema(new, "New")["properties"].pop("name"), f"{POST}: request.name was removed"),
    (lambda new: schema(new, "New")["required"].append("channel"), f"{POST}: request.channel became required"),
    (
        lambda new: schema(new, "New")["properties"].update(name={"type": "string"}),
        f"{POST}: request.name no longer accepts null",
    ),
    (lambda new: schema(new, "Channel").update(enum=["sms"]), f"{POST}: request.channel lost the value whatsapp"),
    (lambda new: schema(new, "Status").update(enum=["sent"]), f"{POST}: response 201.status lost the value draft"),
    (lambda new: post(new)["responses"].pop("400"), f"{POST}: the response 400 was removed"),
    (lambda new: schema(new, "Campaign")["properties"].pop("note"), f"{POST}: response 201.note was removed"),
    (lambda new: schema(new, "Campaign")["required"].remove("id"), f"{POST}: response 201.id may now be absent"),
    (
        lambda new: schema(new, "Campaign")["properties"].update(id={"type": ["integer", "null"]}),
        f"{POST}: response 201.id may now be null",
    ),
    (
        lambda new: schema(new, "Campaign")["properties"]["steps"]["items"]["properties"].clear(),
        f"{POST}: response 201.steps[].at was removed",
    ),
]

HARMLESS: dict[str, Callable[[Document], object]] = {
    "nothing": lambda _new: None,
    "a path": lambda new: new["paths"].update({"/segments": {}}),
    "a method": lambda new: new["paths"]["/customers"].update(post={}),
    "an optional parameter": lambda new: post(new)["parameters"].append({"in": "query", "name": "dry", "schema": {}}),
    "a header in another case": lambda new: post(new)["parameters"][0].update(name="idempotency-key"),
    "an optional field of a request": lambda new: schema(new, "New")["properties"].update(tag={"type": "string"}),
    "a field of a request that becomes optional": lambda new: schema(new, "New")["required"].clear(),
    "a type of a request": lambda new: schema(new, "New")["properties"].update(
        channel={"anyOf": [{"$ref": "#/components/schemas/Channel"}, {"type": "null"}]}
    ),
    "a value": lambda new: schema(new, "Channel")["enum"].append("rcs"),
    "a field of a response": lambda new: schema(new, "Campaign")["properties"].update(tag={"type": "string"}),
    "a field of a response that becomes required": lambda new: schema(new, "Campaign")["required"].append("note"),
    "a response": lambda new: post(new)["responses"].update({"409": {}}),
    "a description": lambda new: post(new).update(summary="Create", description="Creates a campaign"),
    "a schema's name": lambda new: (
        new["components"]["schemas"].update(NewCampaign=schema(new, "New")),
        post(new)["requestBody"]["content"]["application/json"].update(
            schema={"$ref": "#/components/schemas/NewCampaign"}
        ),
    ),
}


@pytest.mark.parametrize(("change", "line"), BREAKING, ids=[line for _, line in BREAKING])
def test_a_change_that_breaks_a_client_is_reported(change: Callable[[Document], object], line: str) -> None:
    new = copy.deepcopy(OLD)
    change(new)
    assert line in breaking_changes(OLD, new)


@pytest.mark.parametrize("added", HARMLESS)
def test_a_change_that_only_adds_is_allowed(added: str) -> None:
    new = copy.deepcopy(OLD)
    HARMLESS[added](new)
    assert breaking_changes(OLD, new) == []


def test_the_last_tag_of_this_branch_is_the_last_release(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "tag.gpgSign=false")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def commit(version: str) -> None:
        (tmp_path / FILE).write_text(json.dumps({"version": version}))
        git("add", ".")
        git("commit", "--no-gpg-sign", "--message", version)

    (tmp_path / FILE).parent.mkdir()
    git("init")
    commit("not released")
    assert released_document(tmp_path) == {"version": "not released"}
    commit("1")
    git("tag", "v1")
    commit("2")
    git("tag", "v2")
    commit("later")
    assert released_document(tmp_path) == {"version": "2"}
