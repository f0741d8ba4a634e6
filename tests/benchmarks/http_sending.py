"""The part that measures sending over real HTTP. It shows tables and stores its figures."""

from collections.abc import Mapping
from dataclasses import asdict
from itertools import product
from pathlib import Path

from benchmarks.http_server import NoGoError, build
from benchmarks.over_http import (
    STOPS,
    VARIANTS,
    HttpScore,
    as_json,
    bare_client,
    median_score,
    stop_results,
    system_over_http,
    system_with_mock,
    table_rows,
    variant_name,
    worker_alone,
)
from benchmarks.race import INSTANT, REAL
from benchmarks.run import Run


def _ratios(run: Run, scores: Mapping[str, Mapping[str, HttpScore]]) -> None:
    plain, tls_name = (variant_name(REAL, tls=tls) for tls in (False, True))
    clients, workers = scores["client"], scores["worker"]
    run.ratios[f"HTTP client, CPU / aiohttp, {plain}"] = (
        clients[f"leopard, {plain}"].cpu["client"] / clients[f"aiohttp, {plain}"].cpu["client"],
        "<= 0.5",
    )
    run.ratios["HTTP sending, CPU with TLS / plain"] = (
        workers[tls_name].system_cpu / workers[plain].system_cpu,
        "<= 1.2",
    )
    with_tls, without = workers[tls_name].cpu["worker"], workers[plain].cpu["worker"]
    run.ratios["HTTP worker alone, CPU with TLS / plain"] = with_tls / without, "some"
    run.ratios["HTTP worker, CPU s/10k"] = without, "<= 2.2"
    run.ratios["HTTP whole system, CPU s/10k"] = scores["system"][f"HTTP, {REAL.name}"].system_cpu, "<= 5"


def _stopped_worker(run: Run, server: Path) -> None:
    sizes = run.sizes
    stops = STOPS if sizes.http_all else STOPS[:1]
    found = stop_results(server, run.folder, run.packages, stops, count=sizes.http_stopped)
    run.report.keep("http, stopped worker", {name: asdict(result) for name, result in found.items()})
    run.report.table(
        f"the worker is stopped at 40 % of {sizes.http_stopped:,} messages and started again",
        ("signal, unknown outcomes", "lost", "sent twice", "reported as failed", "seconds"),
        [(name, r.lost, r.duplicates, r.failed, r.seconds) for name, r in found.items()],
    )
    run.ratios["lost when a worker is stopped"] = float(sum(result.lost for result in found.values())), "0"


def http(run: Run) -> None:
    """Measure sending over real HTTP, and count lost and duplicate messages when a worker is stopped."""
    try:
        server = build(run.folder)
    except NoGoError as error:
        run.report.say(f"   {error}")
        return
    sizes, clients = run.sizes, ("leopard", "aiohttp")
    variants = [variant for variant in VARIANTS if sizes.http_all or variant[0] is REAL]
    turns: dict[str, dict[str, list[HttpScore]]] = {"client": {}, "worker": {}, "system": {}}

    def keep(table: str, name: str, score: HttpScore) -> None:
        turns[table].setdefault(name, []).append(score)
        run.report.say(f"   {table}, {name}: {score.rate:,.0f}/s, {score.system_cpu:.2f} CPU s/10k")

    for _ in range(sizes.repeats):
        for (latency, tls), client in product(variants, clients):
            score = bare_client(server, run.folder, client, latency, tls=tls, count=sizes.http)
            keep("client", f"{client}, {variant_name(latency, tls=tls)}", score)
    # in a short run, opening the TLS connections would cost more than using them
    count = sizes.system if sizes.http_all else sizes.http
    with run.stores() as stores:
        for _ in range(sizes.repeats):
            for latency, tls in variants:
                score = worker_alone(server, stores, run.folder, latency, tls=tls, count=count)
                keep("worker", variant_name(latency, tls=tls), score)
    latencies = (REAL, INSTANT) if sizes.http_all else (REAL,)
    for _ in range(sizes.repeats):
        for latency in latencies:
            score = system_over_http(server, run.folder, run.packages, latency, count=count)
            keep("system", f"HTTP, {latency.name}", score)
        keep("system", f"mock, {REAL.name}", system_with_mock(run.folder, run.packages, count=count))
    scores = {table: {name: median_score(found) for name, found in rows.items()} for table, rows in turns.items()}
    for table, rows in scores.items():
        run.report.keep(f"http, {table}", as_json(rows))
        run.report.table(
            f"HTTP, {table}", ("", "messages/s", "CPU s/10k without the server", "each process"), table_rows(rows)
        )
    _ratios(run, scores)
    _stopped_worker(run, server)
