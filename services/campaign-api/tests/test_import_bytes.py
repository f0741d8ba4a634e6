"""Whatever bytes are uploaded, the answer is a result or a clear error, and every row is accounted for."""

import gzip
import json
from collections.abc import Iterator

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from running_api import Service

LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"phone,first_name,points,tags", b"phone;first_name", b"phone\tpoints", b"+254700000001,Ann,1,x",
                b'"+254700000002","B""en",2', b'"open', b"2.547E+11,Cem", b"+254700000003;=1+1;x", b"\xff\xfe", b"\0",
                b'{"phone": "+254700000004", "points": "x"}', b'{"phone": null, "attributes": []}', b"[1]", b"",
            ]
        ),
        st.binary(max_size=30),
    )
)  # fmt: skip
JSON = st.dictionaries(
    st.sampled_from(["phone", "first_name", "attributes", "points", "id", "time_zone"]),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just("+254700000001")),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
        max_leaves=6,
    ),
)
CONTENT = st.one_of(
    st.binary(max_size=200),
    LINES.map(b"\n".join),
    LINES.map(b"\r\n".join).map(gzip.compress),
    LINES.map(lambda lines: "\r".join(line.decode("latin-1") for line in lines).encode("utf-16")),
    st.lists(JSON, min_size=1).map(lambda objects: "\n".join(map(json.dumps, objects)).encode()),
)


@pytest.fixture
def server(service: Service) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=service.url, timeout=30) as client:
        yield client


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=CONTENT, query=st.sampled_from([{}, {"default_country": "KE"}, {"dry_run": "true"}, {"format": "csv"},
                                               {"format": "ndjson"}, {"mode": "update_only"}]))  # fmt: skip
def test_any_bytes_give_a_result_or_a_clear_error(server: httpx2.Client, content: bytes, query: dict[str, str]) -> None:
    answer = server.post("/customers/import", content=content, params=query, headers={"content-type": "text/csv"})
    assert answer.status_code in {201, 400}, answer.text
    if answer.status_code == 400:
        assert answer.json()["error"]["code"] == "INVALID_REQUEST"
        assert answer.json()["error"]["message"].startswith("Import ")
        return
    body = answer.json()
    assert body["status"] == "done"
    counted = ("created", "updated", "unchanged", "rejected", "duplicates")
    assert sum(body[name] for name in counted) == body["rows"]
    assert len(body["rejects"]) == min(body["rejected"], 100)
    assert all(reject["reason"] and reject["row"] > 0 for reject in body["rejects"])
    assert server.get(f"/imports/{body['id']}/rejects").status_code == 200
