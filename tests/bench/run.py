#!/usr/bin/env python3
"""Measures the broker beside Apache Kafka (broker.py), and the connectors end to end and prints a table (and JSON): rows per second and CPU-seconds of every process, beside a plain C
loop over the same statements and librdkafka in the same run. Start-up is excluded: the clock runs from the first row that is visible at
the other end to the last. The figure is the median of the runs.

Example: ./dev bench connectors --repeat 10 --runs 3 --json bench.json
         ./dev bench broker --json bench.json
         ./dev bench broker --only startup,stored --start-partitions 100 --start-gib 1 --runs 1
Benchmarks: broker, connectors, startup, memory; without a name, all of them. broker needs Java and Maven (./dev setup --all)."""

import argparse
import json
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support" / "python"))
sys.path.insert(0, str(ROOT / "tests" / "bench"))
import broker as broker_bench  # noqa: E402
import kafka_wire  # noqa: E402
import postgres  # noqa: E402
import servers  # noqa: E402

YARDSTICK = ROOT / "build" / "release" / "bench" / "yardstick"
JSON = "org.apache.kafka.connect.json.JsonConverter"


def converters(envelope):
    flag = "true" if envelope else "false"
    return {"key.converter": JSON, "value.converter": JSON, "key.converter.schemas.enable": "false" if not envelope else "true",
            "value.converter.schemas.enable": flag}


class Bench:
    """One broker and one worker in a folder of their own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=folder))
        self.broker = servers.broker(self.folder)
        self.worker = servers.worker(self.folder, self.broker.address)
        self.rest = servers.Rest(self.worker.address)
        self.wire = kafka_wire.Client(self.broker.address, 60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()
        self.worker.__exit__()
        self.broker.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def runners(self):
        return [pid for pid in servers.children_of(self.worker.pid) if "penstock-runner" in servers.command_of(pid)]

    def cpu(self):
        return {"broker": servers.cpu_seconds(self.broker.pid), "worker": servers.cpu_seconds(self.worker.pid),
                "runner": sum(servers.cpu_seconds(pid) for pid in self.runners())}

    def rate(self, visible, rows, seconds=600):
        """Rows per second between the first look that shows some rows and the one that shows all."""
        begun = None
        deadline = time.monotonic() + seconds
        while True:
            now, count = time.monotonic(), visible()
            if begun is None and count > 0:
                begun = (now, count, self.cpu())
            if count >= rows:
                break
            if now > deadline:
                status = self.rest.call("GET", "/connectors?expand=status")[1]
                raise TimeoutError(f"{count} of {rows} rows after {seconds} s; {json.dumps(status)[:1500]}")
            time.sleep(0.02)
        cpu = {name: round(after - begun[2][name], 2) for name, after in self.cpu().items()}
        seconds_taken = max(1e-6, now - begun[0])
        return {"rows_per_s": (rows - begun[1]) / seconds_taken, "cpu_s": cpu, "seconds": round(seconds_taken, 2),
                "rss_mb": {"broker": round(servers.peak_rss_mb(self.broker.pid), 1), "worker": round(servers.peak_rss_mb(self.worker.pid), 1),
                           "runner": round(max(map(servers.peak_rss_mb, self.runners()), default=0), 1)}}

    def topic_end(self, topic):
        return lambda: self.wire.end(topic)


def yardstick(*arguments):
    result = subprocess.run([str(YARDSTICK), *map(str, arguments)], stdout=subprocess.PIPE, check=True, timeout=900)
    figures = json.loads(result.stdout)
    return {"rows_per_s": figures["rows"] / figures["seconds"], "cpu_s": figures["cpu_seconds"]}


def empty_copy(database, target):
    """A database with the same empty flights table."""
    with sqlite3.connect(database) as source:
        statement = source.execute("select sql from sqlite_master where name = 'flights'").fetchone()[0]
    connection = sqlite3.connect(target)
    connection.execute("pragma journal_mode=wal")
    connection.execute(statement)
    connection.commit()
    connection.close()


def sqlite_rows(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    return lambda: connection.execute("select coalesce(max(id), 0) from flights").fetchone()[0]


class PostgresSession:
    """One psql for many questions: to start one for each look would take a core from what is measured."""

    def __init__(self, uri):
        self.process = subprocess.Popen(["psql", "-qtAX", "-v", "ON_ERROR_STOP=1", uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def ask(self, statement):
        """The one value that the statement returns, or '' for none."""
        self.process.stdin.write(f"{statement};\n\\echo .\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline()) != ".\n":
            if not line:
                raise RuntimeError(f"psql ended at: {statement}")
            lines.append(line.strip())
        return "".join(lines)


class Context:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.database = folder / "flights.db"
        say(f"making flights.db, flights repeated {options.repeat} times")
        subprocess.run([sys.executable, ROOT / "examples" / "data" / "fetch_flights.py", "--out", self.database, "--repeat",
                        str(options.repeat)], check=True, stdout=subprocess.DEVNULL)
        self.rows = sqlite_rows(self.database)()
        self.server = None

    def postgres(self):
        if self.server is None:
            say("starting PostgreSQL and loading the tables")
            self.server = postgres.Server()
            self.server.__enter__()
            subprocess.run([sys.executable, ROOT / "examples" / "data" / "load_postgres.py", self.database, self.server.uri], check=True,
                           stdout=subprocess.DEVNULL)
        return self.server.uri

    def empty_tables(self, *names):
        """Copies of flights without rows. The server's own work on what was written before, checkpoints and vacuums, is not to fall
        into one measure more than into the other."""
        with PostgresSession(self.postgres()) as session:
            for name in names:
                session.ask(f"drop table if exists {name}")
                session.ask(f"create table {name} (like flights including all) with (autovacuum_enabled = false)")
            session.ask("checkpoint")

    def close(self):
        if self.server is not None:
            self.server.__exit__(None, None, None)


def source_sqlite(context, envelope):
    with Bench(context.folder) as bench:
        plain = yardstick("sqlite-to-topic", context.database, "flights", bench.broker.address, "yardstick", "envelope" if envelope else "plain")
    with Bench(context.folder) as bench:
        bench.rest.put_connector("source", {
            "connector.class": "SqliteSource", "connection.url": str(context.database), "mode": "incrementing",
            "incrementing.column.name": "id", "table.whitelist": "flights", **converters(envelope)})
        return bench.rate(bench.topic_end("flights"), context.rows), plain


def source_postgres(context):
    uri = context.postgres()
    with Bench(context.folder) as bench:
        plain = yardstick("postgres-to-topic", uri, "flights", bench.broker.address, "yardstick", "plain")
    with Bench(context.folder) as bench:
        bench.rest.put_connector("source", {
            "connector.class": "PostgresSource", "connection.url": uri, "mode": "incrementing", "incrementing.column.name": "id",
            "table.whitelist": "flights", **converters(False)})
        return bench.rate(bench.topic_end("flights"), context.rows), plain


def sink_sqlite(context):
    with Bench(context.folder) as bench:
        yardstick("sqlite-to-topic", context.database, "flights", bench.broker.address, "flights", "plain")
        empty_copy(context.database, bench.folder / "plain.db")
        plain = yardstick("topic-to-sqlite", bench.folder / "plain.db", "flights", bench.broker.address, "flights", context.rows)
        target = bench.folder / "sink.db"
        empty_copy(context.database, target)
        bench.rest.put_connector("sink", {
            "connector.class": "SqliteSink", "connection.url": str(target), "topics": "flights", "insert.mode": "upsert",
            "pk.mode": "record_key", **converters(False)})
        return bench.rate(sqlite_rows(target), context.rows), plain


def sink_postgres(context, mode):
    uri = context.postgres()
    with Bench(context.folder) as bench:
        yardstick("sqlite-to-topic", context.database, "flights", bench.broker.address, "flights", "plain")
        context.empty_tables("plain", "sunk")
        plain = yardstick("topic-to-postgres", uri, "plain", bench.broker.address, "flights", context.rows, "copy" if mode == "insert" else "upsert")
        context.empty_tables("plain", "sunk")
        bench.rest.put_connector("sink", {
            "connector.class": "PostgresSink", "connection.url": uri, "topics": "flights", "table.name.format": "sunk", "insert.mode": mode,
            "pk.mode": "record_key" if mode == "upsert" else "none", **converters(False)})
        with PostgresSession(uri) as session:
            return bench.rate(lambda: int(session.ask("select coalesce(max(id), 0) from sunk")), context.rows), plain


CONNECTORS = (
    ("SQLite to topic, plain JSON", lambda c: source_sqlite(c, False), 150_000, None),
    ("SQLite to topic, schema envelope", lambda c: source_sqlite(c, True), 60_000, None),
    ("topic to SQLite, upsert", sink_sqlite, 90_000, 0.7),
    ("PostgreSQL to topic, plain JSON", source_postgres, 100_000, None),
    ("topic to PostgreSQL, insert by COPY", lambda c: sink_postgres(c, "insert"), 100_000, 0.7),
    ("topic to PostgreSQL, upsert", lambda c: sink_postgres(c, "upsert"), 40_000, 0.7),
)


def bench_connectors(options, folder):
    context = Context(options, folder)
    out = []
    try:
        for name, measure, least, least_ratio in CONNECTORS:
            if options.only and options.only not in name:
                continue
            runs = []
            for number in range(options.runs):
                say(f"{name}: run {number + 1} of {options.runs}, {context.rows:,} rows")
                runs.append(measure(context))
            ours = statistics.median(run[0]["rows_per_s"] for run in runs)
            middle = min(runs, key=lambda run: abs(run[0]["rows_per_s"] - ours))
            plain = statistics.median(run[1]["rows_per_s"] for run in runs)
            ratio = statistics.median(run[0]["rows_per_s"] / run[1]["rows_per_s"] for run in runs)
            reached = ours >= least and (least_ratio is None or ratio >= least_ratio)
            out.append({"measure": name, "rows_per_s": round(ours), "at_least": least, "plain_loop_rows_per_s": round(plain),
                        "ratio": round(ratio, 2), "ratio_at_least": least_ratio, "cpu_s": middle[0]["cpu_s"],
                        "plain_loop_cpu_s": middle[1]["cpu_s"], "rss_mb": middle[0]["rss_mb"], "reached": reached,
                        "all_runs": [round(run[0]["rows_per_s"]) for run in runs]})
    finally:
        context.close()
    print(f"\n{'measure':38} {'rows/s':>9} {'at least':>9} {'plain loop':>10} {'ratio':>6} {'CPU s broker/worker/runner':>27}  reached")
    for row in out:
        cpu = "/".join(str(row["cpu_s"][name]) for name in ("broker", "worker", "runner"))
        print(f"{row['measure']:38} {row['rows_per_s']:>9,} {row['at_least']:>9,} {row['plain_loop_rows_per_s']:>10,} {row['ratio']:>6} "
              f"{cpu:>27}  {'yes' if row['reached'] else 'NO'}")
    return out


def exec_to_api_versions(folder):
    command = [servers.BIN / "penstock-broker", "--override", f"log.dirs={folder}/probe", "--override"]
    with servers.Server("broker", [*command, "listeners=PLAINTEXT://127.0.0.1:0"], folder) as port_taker:
        port = port_taker.port
    took, process = broker_bench.first_answer_ms([*command, f"listeners=PLAINTEXT://127.0.0.1:{port}"], port, folder / "broker.log")
    return took, port, process


def bench_startup(options, folder):
    broker_ms, rest_ms = [], []
    for number in range(options.runs):
        place = folder / f"start-{number}"
        place.mkdir()
        took, port, process = exec_to_api_versions(place)
        broker_ms.append(took)
        try:
            probe = servers.worker(place, f"127.0.0.1:{port}")
            rest_port = probe.port
            probe.__exit__()
            began = time.monotonic()
            worker = subprocess.Popen([str(servers.BIN / "penstock-connect"), "standalone", str(place / "worker.properties"), "--override",
                                       f"listeners=http://127.0.0.1:{rest_port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                while True:
                    try:
                        servers.Rest(f"127.0.0.1:{rest_port}").call("GET", "/", seconds=5)
                        break
                    except OSError:
                        time.sleep(0.001)
                rest_ms.append((time.monotonic() - began) * 1000)
            finally:
                worker.terminate()
                worker.wait()
        finally:
            process.terminate()
            process.wait()
    out = []
    print(f"\n{'measure':44} {'ms':>7} {'at most':>8}  reached")
    for name, values, most in (("exec to first ApiVersions answer", broker_ms, 50), ("exec to REST answering", rest_ms, 150)):
        middle = statistics.median(values)
        out.append({"measure": name, "ms": round(middle, 1), "at_most": most, "reached": middle <= most, "all_runs": [round(v, 1) for v in values]})
        print(f"{name:44} {middle:>7.1f} {most:>8}  {'yes' if middle <= most else 'NO'}")
    return out


def bench_memory(options, folder):
    """Peak RSS of each process over the demo job."""
    database = folder / "flights.db"
    if database.exists():
        database.unlink()
    subprocess.run([sys.executable, ROOT / "examples" / "data" / "fetch_flights.py", "--out", database], check=True, stdout=subprocess.DEVNULL)
    job = json.loads((ROOT / "examples" / "flights-to-warehouse.json").read_text())
    peaks = {"broker": 0.0, "worker": 0.0, "runner": 0.0}
    with Bench(folder) as bench:
        for connector in job["connectors"]:
            config = dict(connector["config"])
            for key in ("connection.url", "directory"):
                if key in config:
                    config[key] = str(folder / config[key])
            bench.rest.put_connector(connector["name"], config)
        deadline = time.monotonic() + 300
        while True:
            peaks["broker"] = max(peaks["broker"], servers.peak_rss_mb(bench.broker.pid))
            peaks["worker"] = max(peaks["worker"], servers.peak_rss_mb(bench.worker.pid))
            peaks["runner"] = max([peaks["runner"], *map(servers.peak_rss_mb, bench.runners())])
            progress = [bench.rest.call("GET", f"/connectors/{name}/progress")[1] for name in ("flights", "warehouse", "archive")]
            tasks = [task for connector in progress for task in connector["tasks"]]
            if tasks and all(task.get("caught_up") or task.get("finished") for task in tasks) and bench.wire.end("flights") >= 336_776:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"the demo job did not end: {json.dumps(progress)[:1500]}")
            time.sleep(0.1)
    out = []
    print(f"\n{'peak RSS in the demo':44} {'MB':>7} {'at most':>8}  reached")
    for name, most in (("broker", 60), ("worker", 30), ("runner", 90)):
        out.append({"measure": f"peak RSS, {name}", "mb": round(peaks[name], 1), "at_most": most, "reached": peaks[name] <= most})
        print(f"{name:44} {peaks[name]:>7.1f} {most:>8}  {'yes' if peaks[name] <= most else 'NO'}")
    return out


BENCHMARKS = {"broker": broker_bench.bench_broker, "connectors": bench_connectors, "startup": bench_startup, "memory": bench_memory}
RUNS = {"broker": 5, "connectors": 3, "startup": 5}


def say(text):
    print(f"... {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--repeat", type=int, default=10, help="how many times the flights are repeated (336,776 rows each)")
    usual = ", ".join(f"{name} {runs}" for name, runs in RUNS.items())
    parser.add_argument("--runs", type=int, help=f"the figure is their median; left out: {usual}")
    parser.add_argument("--only", help="connectors: measures whose name holds this; broker: parts of load,startup,stored")
    parser.add_argument("--no-kafka", dest="kafka", action="store_false", help="broker: ours alone")
    parser.add_argument("--long-seconds", type=int, default=600, help="broker: length of the p99.9 row; 0 leaves it out")
    parser.add_argument("--start-partitions", type=int, default=1000, help="broker: of the start-up rows")
    parser.add_argument("--start-gib", type=float, default=10, help="broker: stored in the start-up rows")
    parser.add_argument("--json", type=pathlib.Path, help="append the figures as one JSON line to this file")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    out = {}
    for name in options.names or BENCHMARKS:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-bench-"))
        try:
            out[name] = BENCHMARKS[name](argparse.Namespace(**{**vars(options), "runs": options.runs or RUNS.get(name)}), folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        with open(options.json, "a", encoding="utf-8") as log:
            log.write(json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **out}) + "\n")
    missed = [row["measure"] for rows in out.values() for row in rows if row["reached"] is False]
    if missed:
        print(f"\nmissed: {', '.join(missed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
