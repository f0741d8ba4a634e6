"""The parts of a run. Each part measures, shows a table and stores its figures."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from statistics import median

from benchmarks.api import api
from benchmarks.contenders import CEILING, INSTANT_PEERS, LEOPARD, ONE_BY_ONE, SLOW_PEERS
from benchmarks.dispatcher import bare_publisher, dispatcher
from benchmarks.dry_running import dry_running
from benchmarks.http_sending import http
from benchmarks.importing import importing
from benchmarks.memory import memory
from benchmarks.meter import Score
from benchmarks.personalized import personalized
from benchmarks.race import INSTANT, REAL, Contender, Latency, race
from benchmarks.rendering import rendering
from benchmarks.run import Run, peers_installed
from benchmarks.template_engines import BY_HAND, OURS
from benchmarks.whole_system import single_message_seconds, whole_system
from leopard_local.stores import Stores


def _median(turns: Sequence[Score]) -> Score:
    return Score(*(median(values) for values in zip(*(asdict(turn).values() for turn in turns), strict=True)))


def _races(
    run: Run, stores: Stores, turns: Sequence[tuple[Contender, int]], latency: Latency, processes: int = 1
) -> dict[str, Score]:
    """Race all contenders in each repeat, so that a change in the machine's load affects all of them."""
    found: dict[str, list[Score]] = {contender.name: [] for contender, _ in turns}
    for repeat in range(run.sizes.repeats):
        for contender, messages in turns:
            try:
                score = race(stores, run.folder, contender, latency, messages=messages, processes=processes)
            except TimeoutError as error:
                # a peer may time out, for example because of its own retries; Leopard may not
                if contender is LEOPARD:
                    raise
                run.report.say(f"   {repeat + 1}: {contender.name}, {latency.name}: turn ignored: {error}")
                continue
            found[contender.name].append(score)
            run.report.say(f"   {repeat + 1}: {contender.name}, {latency.name}: {score.rate:,.0f}/s")
    return {name: _median(scores) for name, scores in found.items() if scores}


def worker(run: Run) -> None:
    """Compare the worker with a bare consumer and a worker that sends one by one; one process each."""
    sizes = run.sizes
    with run.stores() as stores:
        for latency in (INSTANT, REAL):
            turns = [(LEOPARD, sizes.race), (CEILING, sizes.race)]
            if latency is REAL:
                turns.append((ONE_BY_ONE, sizes.one_by_one))
            scores = _races(run, stores, turns, latency)
            run.show(f"worker, one process, provider {latency.name}", scores)
            leopard = scores[LEOPARD.name].rate
            run.ratios[f"worker / bare aio-pika, {latency.name}"] = leopard / scores[CEILING.name].rate, ">= 0.8"
            if latency is REAL:
                run.ratios[f"worker / one by one, {latency.name}"] = leopard / scores[ONE_BY_ONE.name].rate, ">= 300"
    run.ratios["worker's RSS, MB"] = scores[LEOPARD.name].rss_mb, "< 150"


def dispatching(run: Run) -> None:
    """Compare the dispatcher with a bare aio-pika publisher."""
    turns: dict[str, list[Score]] = {"leopard": [], "bare aio-pika": []}
    with run.stores() as stores:
        for _ in range(run.sizes.repeats):
            turns["leopard"].append(dispatcher(stores, run.folder, messages=run.sizes.dispatch))
            turns["bare aio-pika"].append(bare_publisher(stores, messages=run.sizes.dispatch))
    scores = {name: _median(scores) for name, scores in turns.items()}
    run.show("dispatcher, jobs confirmed", scores)
    run.ratios["dispatcher / bare aio-pika"] = scores["leopard"].rate / scores["bare aio-pika"].rate, ">= 0.8"


def peers(run: Run) -> None:
    """Compare the worker with Celery, Dramatiq and taskiq; all have the same number of processes."""
    if not peers_installed():
        run.report.say("   the peers are not installed; run: uv sync --group peers")
        return
    sizes = run.sizes
    instant = INSTANT_PEERS if sizes.all_peers else INSTANT_PEERS[1:2] + INSTANT_PEERS[3:]
    slow = SLOW_PEERS if sizes.all_peers else ()
    with run.stores() as stores:
        for latency, contenders in ((INSTANT, instant), (REAL, slow)):
            if not contenders:
                continue
            turns = [(LEOPARD, sizes.race), *((peer, sizes.peer) for peer in contenders)]
            scores = _races(run, stores, turns, latency, sizes.processes)
            run.show(f"peers, {sizes.processes} processes each, provider {latency.name}", scores)
            leopard = scores.pop(LEOPARD.name)
            if latency is INSTANT:
                for name, aim in (("Celery", ">= 3"), ("taskiq", ">= 2"), ("Dramatiq", ">= 1.5")):
                    best = max(score.rate for peer, score in scores.items() if peer.startswith(name))
                    run.ratios[f"worker / fastest {name}, {latency.name}"] = leopard.rate / best, aim
            else:
                best = max(score.rate for score in scores.values())
                run.ratios[f"worker / fastest peer, {latency.name}"] = leopard.rate / best, ">= 2"
            least = min(score.cpu for score in scores.values())
            run.ratios[f"CPU / peer with the least CPU, {latency.name}"] = leopard.cpu / least, "< 1"


def system(run: Run) -> None:
    """Measure a campaign from the send until it is `sent`, with all services on this machine; and a single message."""
    sizes = run.sizes
    scores = {}
    for workers in (1, 2):
        turns = [
            whole_system(run.folder / "system", run.packages, customers=sizes.system, workers=workers)
            for _ in range(sizes.repeats)
        ]
        turns.sort(key=lambda turn: turn.seconds)
        scores[workers] = turns[len(turns) // 2]
    run.report.keep("system", {str(workers): asdict(score) for workers, score in scores.items()})
    run.report.table(
        f"whole system, {sizes.system:,} customers, provider {REAL.name}",
        ("workers", "seconds", "messages/s", "CPU s/10k of each process"),
        [(w, s.seconds, s.rate, "  ".join(f"{n} {c:.2f}" for n, c in s.cpu.items())) for w, s in scores.items()],
    )
    best = min(score.seconds for score in scores.values())
    run.ratios["seconds for 100,000 messages"] = best * 100_000 / sizes.system, "<= 40"
    single = single_message_seconds(run.folder / "system", run.packages, times=sizes.single) * 1000
    run.report.keep("single message, ms", single)
    run.ratios["single message, median ms from send to provider"] = single, "< 150"


def growth(run: Run) -> None:
    """Measure the same send with more and more earlier messages in the table."""
    sizes = run.sizes
    rates = {}
    for rows in sizes.growth_rows:
        turns = [
            whole_system(run.folder / "system", run.packages, customers=sizes.growth_send, workers=1, rows=rows).rate
            for _ in range(sizes.repeats)
        ]
        rates[rows] = median(turns)
        run.report.say(f"   {rows:,} rows: {rates[rows]:,.0f}/s")
    run.report.keep("growth", {str(rows): rate for rows, rate in rates.items()})
    run.report.table("growth", ("earlier rows", "messages/s"), [(f"{r:,}", rate) for r, rate in rates.items()])
    most = max(rates)
    run.ratios[f"rate with {most:,} earlier rows / with none"] = rates[most] / rates[0], ">= 0.85"


def waiting(run: Run) -> None:
    """Measure memory while a million messages wait."""
    sizes = run.sizes
    found = memory(run.folder / "system", run.packages, customers=sizes.waiting, seconds=sizes.waiting_seconds)
    run.report.keep("waiting", asdict(found))
    run.report.table(
        f"{sizes.waiting:,} messages wait; {found.sent:,} were sent in {sizes.waiting_seconds:.0f} s",
        ("MB", "after a third", "at the end"),
        [(name, found.earlier_mb[name], found.later_mb[name]) for name in found.earlier_mb],
    )
    run.ratios["campaign to ten customers behind them, seconds"] = found.small_campaign_seconds, "some"


def requests(run: Run) -> None:
    """Measure requests to the API."""
    found = api(run.folder / "system", run.packages, campaigns=run.sizes.campaigns, customers=run.sizes.race)
    run.report.keep("api", found)
    run.report.table(f"API, {run.sizes.campaigns:,} campaigns", ("", "ms"), list(found.items()))


def render(run: Run) -> None:
    """Measure rendering beside other template engines."""
    if not peers_installed():
        run.report.say("   the peers are not installed; run: uv sync --group peers")
        return
    found = rendering(messages=run.sizes.render)
    run.report.keep("rendering", found)
    for job, rates in found.items():
        run.report.table(f"rendering, {job}", ("one core", "messages/s"), list(rates.items()))
        leopard = rates[OURS]
        for name, rate in rates.items():
            if name not in {OURS, BY_HAND}:
                run.ratios[f"rendering / {name}, {job}"] = leopard / rate, "> 1"
    run.ratios["rendering, plain, messages/s"] = found["plain"][OURS], ">= 300,000"


PARTS: dict[str, Callable[[Run], None]] = {
    "worker": worker,
    "dispatcher": dispatching,
    "peers": peers,
    "system": system,
    "http": http,
    "growth": growth,
    "waiting": waiting,
    "api": requests,
    "render": render,
    "personalized": personalized,
    "import": importing,
    "dryrun": dry_running,
}
