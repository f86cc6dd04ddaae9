"""Remote write to real stores: exact sums in VictoriaMetrics, and recent weeks in Prometheus."""

import json
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from exporter.backfill.figures import Series, noon
from exporter.backfill.remote_write import HEADERS, encoded
from exporter.domain.model import Days
from exporter.simulator.paradigm.world import World
from tests import loopback
from tests.e2e import programs
from tests.e2e.commands import SEED, simulating
from tests.e2e.prometheus import Prometheus, started
from tests.e2e.test_history import MEBIBYTE, NEWEST_FINAL, expected_sums, nonzero_sums, run_backfill, stored
from tests.oncall.amtool import program as program_of
from tests.oncall.shipped import SUITES

pytestmark = [pytest.mark.e2e, pytest.mark.once]

COMPANIES = 50
YEAR = Days(NEWEST_FINAL - timedelta(days=365), NEWEST_FINAL)
WEEKS = Days(NEWEST_FINAL - timedelta(days=20), NEWEST_FINAL)
RECEIVES = "--web.enable-remote-write-receiver"


@contextmanager
def victoria(folder: Path, *options: str, port: int | None = None) -> Iterator[Prometheus]:
    """Runs VictoriaMetrics, which has Prometheus' API; duplicate samples count once."""
    address = f"127.0.0.1:{port or programs.free_port()}"
    command: list[str | Path] = [
        programs.find("victoria-metrics"),
        f"-storageDataPath={folder / 'victoria'}",
        f"-httpListenAddr={address}",
        "-retentionPeriod=10y",
        "-dedup.minScrapeInterval=1ms",
        "-search.latencyOffset=0s",
        *options,
    ]
    url = f"http://{address}"
    with programs.running(command, folder / "victoria.log", lambda: programs.answers(f"{url}/health")):
        yield Prometheus(url)


@contextmanager
def receiving(program: Path, folder: Path, window: str) -> Iterator[Prometheus]:
    """Runs a Prometheus that accepts samples up to the age `window`, and already has a current one."""
    config = folder / "prometheus.json"
    config.write_text(json.dumps({"storage": {"tsdb": {"out_of_order_time_window": window}}}))
    with started(program, folder, config, RECEIVES) as store:
        seconds = array("q", [int(datetime.now(UTC).timestamp())])
        body = encoded([Series("now", {}, seconds, array("d", [1.0]))], {})
        loopback.post(f"{store.url}/api/v1/write", content=body, headers=HEADERS).raise_for_status()
        yield store


def send(platform: str, folder: Path, store: str, first: date, *options: str) -> int:
    """Runs the command with a manifest in `folder` and returns its exit status."""
    url = f"{store}/api/v1/write"
    always = ("--from", str(first), "--remote-write", url, "--manifest", folder / "manifest")
    return run_backfill(platform, folder, (*always, *options)).status


def log(folder: Path) -> str:
    return (folder / "backfill.log").read_text()


def asked(platform: str) -> int:
    """Returns the number of requests to the simulated platform."""
    seen = loopback.get(f"{platform}/control").json()["requests"]
    return sum(seen.values())


def samples(store: Prometheus) -> str:
    """Returns the number of samples that Prometheus received."""
    lines = loopback.get(f"{store.url}/metrics").text.splitlines()
    [line] = [each for each in lines if each.startswith("prometheus_tsdb_head_out_of_order_samples_appended_total")]
    return line


def test_a_year_in_victoria_metrics_is_exact(tmp_path: Path) -> None:
    """Sums per month, company and measure equal the platform's, although the run was killed once."""
    with victoria(tmp_path) as store, simulating(tmp_path, f"--companies={COMPANIES}") as platform:
        options = ("--from", str(YEAR.first), "--to", str(YEAR.last), "--manifest", tmp_path / "manifest")
        url = ("--remote-write", f"{store.url}/api/v1/write")
        assert run_backfill(platform, tmp_path, (*options, *url), kill_after_s=4).status in {0, -9}
        assert run_backfill(platform, tmp_path, (*options, *url)).status == 0
        loopback.get(f"{store.url}/internal/force_flush")
        wanted = expected_sums(World.from_seed(SEED, COMPANIES), YEAR)
        found = stored(store, sorted({which.family for which in wanted}), YEAR)
    assert nonzero_sums(found) == nonzero_sums(wanted)


def refused(store: Prometheus) -> bool:
    """Tells whether VictoriaMetrics refused samples."""
    lines = loopback.get(f"{store.url}/metrics").text.splitlines()
    [count] = [
        line.split()[-1] for line in lines if line.startswith('vm_http_request_errors_total{path="/api/v1/write"')
    ]
    return int(count) > 0


def test_a_store_that_was_full_and_stopped_gets_every_sample_once(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """One run survives a full disk and a stopped store, with little memory."""
    days, port = Days(NEWEST_FINAL - timedelta(days=91), NEWEST_FINAL), programs.free_port()
    command = ("--from", str(days.first), "--to", str(days.last), "--manifest", tmp_path / "manifest")
    with simulating(tmp_path, "--companies=10") as platform, ThreadPoolExecutor(1) as beside:
        with victoria(tmp_path, f"-storage.minFreeDiskSpaceBytes={2**50}", port=port) as full:
            url = ("--remote-write", f"{full.url}/api/v1/write")
            run = beside.submit(run_backfill, platform, tmp_path, (*command, *url))
            programs.wait_for(lambda: refused(full), "a refusal", 30)
            assert not run.done()
        with victoria(tmp_path, port=port) as store:
            ended = run.result(60)
            loopback.get(f"{store.url}/internal/force_flush")
            wanted = expected_sums(World.from_seed(SEED, 10), days)
            found = stored(store, sorted({which.family for which in wanted}), days)
    assert ended.status == 0
    assert nonzero_sums(found) == nonzero_sums(wanted)
    assert ended.peak
    assert ended.peak < 150 * MEBIBYTE
    tell(f"history into a store that was full and away: {len(found)} sums exact, {ended.peak / MEBIBYTE:.0f} MiB")


def test_recent_weeks_in_prometheus_are_exact_and_sent_once(prometheus: Path, tmp_path: Path) -> None:
    with simulating(tmp_path, "--companies=5") as platform, receiving(prometheus, tmp_path, "60d") as store:
        assert send(platform, tmp_path, store.url, WEEKS.first, "--to", str(WEEKS.last)) == 0
        wanted = expected_sums(World.from_seed(SEED, 5), WEEKS)
        found = stored(store, sorted({which.family for which in wanted}), WEEKS)
        assert nonzero_sums(found) == nonzero_sums(wanted)
        before, taken = asked(platform), samples(store)
        assert send(platform, tmp_path, store.url, WEEKS.first, "--to", str(WEEKS.last)) == 0
        assert (asked(platform), samples(store)) == (before, taken)


def test_a_store_is_compared_with_the_platform(prometheus: Path, tmp_path: Path) -> None:
    """Equal sums pass; a day with too much in the store is listed with both figures."""
    with simulating(tmp_path, "--companies=5") as platform, receiving(prometheus, tmp_path, "60d") as store:
        assert send(platform, tmp_path, store.url, WEEKS.first, "--to", str(WEEKS.last), "--label", "job=history") == 0
        options = ("--from", str(WEEKS.first), "--to", str(WEEKS.last), "--label", "job=history", "--verify", store.url)
        assert run_backfill(platform, tmp_path, options).status == 0
        assert " 0 of " in log(tmp_path).splitlines()[-1]

        labels, seconds = {"source": "s", "company_id": "3"}, array("q", [noon(WEEKS.last)])
        series = Series("paradigm_user_queries_daily", labels, seconds, array("d", [1e6]))
        surplus = encoded([series], {"job": "history"})
        loopback.post(f"{store.url}/api/v1/write", content=surplus, headers=HEADERS).raise_for_status()
        assert run_backfill(platform, tmp_path, options).status == 1
        [line] = [each for each in log(tmp_path).splitlines() if "paradigm_user_queries_daily" in each]
        assert "of company 3" in line
        assert "1 of " in log(tmp_path).splitlines()[-1]


def test_a_continued_backfill_sends_each_day_once(prometheus: Path, tmp_path: Path) -> None:
    """Only newly final days are sent; the next run catches up after a week's outage."""
    with simulating(tmp_path, "--companies=5") as platform, receiving(prometheus, tmp_path, "60d") as store:
        until = WEEKS.last - timedelta(days=7)
        assert send(platform, tmp_path, store.url, WEEKS.first, "--to", str(until)) == 0
        before = asked(platform)
        assert send(platform, tmp_path, store.url, WEEKS.first, "--continue", "--to", str(WEEKS.last)) == 0
        assert asked(platform) == before + 5  # a request per report
        wanted = expected_sums(World.from_seed(SEED, 5), WEEKS)
        assert nonzero_sums(stored(store, sorted({which.family for which in wanted}), WEEKS)) == nonzero_sums(wanted)
        assert send(platform, tmp_path, store.url, WEEKS.first, "--continue", "--to", str(WEEKS.last)) == 0
        assert asked(platform) == before + 5


@pytest.mark.parametrize("suite", SUITES)
def test_days_that_are_too_old_are_refused_before_a_platform_is_requested(tmp_path: Path, suite: str) -> None:
    """The message names the remedy, also for Prometheus 2.42, which responds with status 500."""
    program = program_of("prometheus", suite)
    with simulating(tmp_path, "--companies=1") as platform, receiving(program, tmp_path, "10d") as store:
        assert send(platform, tmp_path, store.url, NEWEST_FINAL - timedelta(days=30)) == 1
        assert asked(platform) == 0
    assert "set storage.tsdb.out_of_order_time_window to 35d or more" in log(tmp_path)
    assert len(log(tmp_path).splitlines()) == 1
