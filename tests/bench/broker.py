"""`./dev bench broker`: our broker beside Apache Kafka 4.3.0, the same load generator (broker_load), one broker at a time. The broker is
pinned to processor 0 and the load to processor 1, so that CPU-seconds and latencies are the broker's own. Kafka runs with the
JVM settings of its own scripts and has a warm-up before anything counts. Figures are medians; each row says what was asked, and how often Kafka was
measured where that is less often than ours. A row that is asked relative to Kafka says 'not compared' without it."""

import contextlib
import importlib.util
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import kafka_wire
import servers

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOAD = ROOT / "build" / "release" / "bench" / "broker_load"
KAFKA = ROOT / "tests" / "peers" / "kafka.py"
HEAP = "1g"  # as in kafka-server-start.sh
GIB = 1 << 30
BROKER_CPU, LOAD_CPU = ("0", "1") if (os.cpu_count() or 1) > 1 else ("0", "0")
NOT_COMPARED = "not compared"
STORED_GIB = 50
KAFKA_STARTS = 1  # of each kind; they take long
# What the long run needs to happen within minutes, on both brokers.
BUSY = ("log.retention.check.interval.ms=5000", "log.cleaner.backoff.ms=1000", "log.segment.delete.delay.ms=1000")


def module_of(path):
    spec = importlib.util.spec_from_file_location("kafka_peer", path)  # kafka.py would hide kafka-python
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def say(text):
    print(f"... {text}", file=sys.stderr, flush=True)


def load(command, **options):
    words = ["taskset", "-c", LOAD_CPU, str(LOAD), command]
    for name, value in options.items():
        if value is True:
            words.append("--" + name.replace("_", "-"))
        elif isinstance(value, (list, tuple)):
            for each in value:
                words += ["--" + name.replace("_", "-"), str(each)]
        else:
            words += ["--" + name.replace("_", "-"), str(value)]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=3600, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words[3:])}: {done.stderr.strip()}")
    return json.loads(done.stdout)


class Broker:
    """A broker in a folder of its own; restarts keep its data. `peak_mb` is over all its lives."""

    def __init__(self, folder):
        self.folder = folder
        self.peak_mb = 0.0
        self.topics = 0

    def topic(self, partitions, *settings):
        self.topics += 1
        name = f"bench-{self.topics}"
        load("create-topic", bootstrap=self.address, topic=name, partitions=partitions, setting=settings)
        with kafka_wire.Client(self.address, 60) as client:
            client.wait_for_topic(name, partitions)
        return name

    def cpu(self):
        return servers.cpu_seconds(self.pid)

    def note_peak(self, pid=None):
        """Of the running broker, or of another life of it."""
        self.peak_mb = max(self.peak_mb, servers.peak_rss_mb(pid or self.pid))

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])


class Penstock(Broker):
    name = "penstock"

    def start(self, overrides=(), port=0):
        words = self.command(port)
        for override in overrides:
            words += ["--override", override]
        self.server = servers.Server("broker", words, self.folder, ready_seconds=300)
        self.address, self.pid = self.server.address, self.server.pid

    def stop(self, kill=False):
        self.note_peak()
        if kill:
            self.server.kill()
        elif (code := self.server.stop(300)) != 0:
            raise RuntimeError(f"the broker ended with {code}; see {self.server.log_path}")
        self.server.process.stdout.close()
        self.server.log.close()

    def command(self, port):
        return ["taskset", "-c", BROKER_CPU, str(servers.BIN / "penstock-broker"), "--override", f"listeners=PLAINTEXT://127.0.0.1:{port}",
                "--override", f"log.dirs={self.folder}/data"]


class Kafka(Broker):
    name = "kafka"

    def start(self, overrides=(), port=0):
        words = ["taskset", "-c", BROKER_CPU, sys.executable, KAFKA, "start", "--dir", self.folder, "--heap", HEAP, "--jvm", "server"]
        for override in overrides:
            words += ["--override", override]
        out = subprocess.run([*map(str, words)], stdout=subprocess.PIPE, check=True, text=True, timeout=600).stdout
        found = json.loads(out.splitlines()[-1])
        self.address, self.pid = found["bootstrap"], found["pid"]

    def command(self, _port):
        """What start() runs, once it ran: on the same port, with the same settings."""
        peer = module_of(KAFKA)
        words = peer.java(peer.SERVER_CLASS, heap=HEAP, log_level="INFO", jvm=peer.JVM_SERVER)
        return ["taskset", "-c", BROKER_CPU, *words, self.folder / "server.properties"]

    def stop(self, kill=False):
        self.note_peak()
        words = [sys.executable, KAFKA, "stop", "--dir", self.folder, *(["--kill"] if kill else [])]
        subprocess.run([*map(str, words)], stdout=subprocess.DEVNULL, check=True, timeout=600)


@contextlib.contextmanager
def running(broker, overrides=()):
    broker.start(overrides)
    try:
        yield broker
    finally:
        broker.stop()


def drop(broker, *topics):
    """Deletes topics, so that neither disk nor page cache fills with what was measured."""
    with kafka_wire.Client(broker.address, 60) as client:
        client.delete_topics(topics)


def cpu_per_gib(broker, topic, **options):
    before = broker.cpu()
    figures = load("produce", bootstrap=broker.address, topic=topic, partitions=4, bytes=GIB, **options)
    return (broker.cpu() - before) / (figures["bytes"] / GIB)


def produce(broker, runs, record_bytes):
    out = []
    for _ in range(runs):
        topic = broker.topic(4)
        out.append(cpu_per_gib(broker, topic, record_bytes=record_bytes))
        drop(broker, topic)
    return out


def small(broker, runs, seconds):
    out = []
    topic = broker.topic(200)
    for _ in range(runs):
        before = broker.cpu()
        figures = load("produce", bootstrap=broker.address, topic=topic, partitions=200, connections=100, batch_bytes=1, keyed=True,
                       seconds=seconds)
        out.append(figures["requests"] / (broker.cpu() - before))
    drop(broker, topic)
    return out


def consume(broker, runs):
    out = []
    topic = broker.topic(4)
    load("produce", bootstrap=broker.address, topic=topic, partitions=4, bytes=GIB)
    for _ in range(runs):
        before = broker.cpu()
        figures = load("consume", bootstrap=broker.address, topic=topic, partitions=4, bytes=2 * GIB)
        out.append((broker.cpu() - before) / (figures["bytes"] / GIB))
    drop(broker, topic)
    return out


def latency(broker, runs, rate, seconds):
    out = []
    for _ in range(runs):
        topic = broker.topic(4)
        out.append(load("latency", bootstrap=broker.address, topic=topic, partitions=4, rate=rate, seconds=seconds)["p99_us"] / 1000)
        drop(broker, topic)
    return out


def idle(broker, runs, seconds):
    topic = broker.topic(50)
    return [100 * load("idle", bootstrap=broker.address, topic=topic, partitions=50, seconds=seconds, broker_pid=broker.pid)["cpu_share"]
            for _ in range(runs)]


def synced(broker, runs, producers, seconds):
    """(records/s, p99 ms) with an fdatasync before each acknowledgement."""
    out = []
    for _ in range(runs):
        topic = broker.topic(16, "flush.messages=1")
        figures = load("produce", bootstrap=broker.address, topic=topic, partitions=16, connections=producers, batch_bytes=1, in_flight=1,
                       seconds=seconds)
        out.append((figures["requests"] / figures["seconds"], figures["p99_us"] / 1000))
        drop(broker, topic)
    return out


def busy_tail(broker, seconds):
    """p99.9 in ms while retention deletes segments and compaction runs."""
    topic = broker.topic(4, "segment.bytes=16777216", "retention.bytes=67108864")
    compacted = broker.topic(1, "cleanup.policy=compact", "segment.bytes=8388608", "min.cleanable.dirty.ratio=0.1")
    figures = load("latency", bootstrap=broker.address, topic=topic, partitions=4, rate=50_000, seconds=seconds, compacted_topic=compacted)
    drop(broker, topic, compacted)
    return [figures["p999_us"] / 1000]


def first_answer_ms(command, port, log_path):
    """From exec to the first ApiVersions answer of a broker; the process goes on."""
    began = time.monotonic()
    with open(log_path, "ab") as log:
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
    try:
        while True:
            try:
                with kafka_wire.Client(f"127.0.0.1:{port}", 60) as client:
                    client.api_versions()
                    return (time.monotonic() - began) * 1000, process
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"the broker ended with {process.returncode}; see {log_path}") from None
                time.sleep(0.001)
    except BaseException:
        process.kill()
        process.wait()
        raise


def startup(broker, runs, partitions, gib):
    """Milliseconds after a clean stop, and after kill -9 under load."""
    clean, killed = [], []
    with running(broker):
        port = broker.port
        topic = broker.topic(partitions)
        load("produce", bootstrap=broker.address, topic=topic, partitions=partitions, bytes=int(gib * GIB), record_bytes=10_000,
             connections=partitions, in_flight=1)
    for how, out in (("clean", clean), ("killed", killed)):
        # The first start of the second series comes after a clean stop.
        for _ in range(runs + int(how == "killed")):
            took, process = first_answer_ms(broker.command(port), port, broker.folder / "start.log")
            out.append(took)
            with kafka_wire.Client(f"127.0.0.1:{port}", 120) as client:
                client.wait_for_topic(topic, partitions, 120)
            load("produce", bootstrap=f"127.0.0.1:{port}", topic=topic, partitions=partitions, bytes=64 << 20, in_flight=1,
                 connections=partitions)
            broker.note_peak(process.pid)
            if how == "clean":
                process.terminate()
            else:
                process.kill()
            process.wait()
    return clean, killed[1:]


def stored(broker, pairs, gib):
    """Ratios of the produce rate and of the tail-fetch rate with much stored to those of an empty topic, pair by pair. The broker has its default
    settings, and scrubs what is stored if that is among them."""
    with running(broker):
        full = broker.topic(1)
    directory = broker.folder / "data" / f"{full}-0"
    for file in directory.iterdir():
        if file.suffix in (".log", ".index", ".timeindex", ".snapshot", ".txnindex"):
            file.unlink()
    end = load("sparse-segments", directory=directory, segments=gib)["end_offset"]
    set_end(broker.folder / "data", full, end)
    produced, fetched = [], []
    with running(broker):
        check_stored(broker, full, end, "before")
        for number in range(pairs + 1):
            rates = {}
            for name in (full, broker.topic(1)):
                options = {"bootstrap": broker.address, "topic": name, "partitions": 1, "bytes": GIB // 2}
                tail = subprocess.Popen(["taskset", "-c", LOAD_CPU, str(LOAD), "consume", "--from-end", *spread(options)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                if not tail.stderr.readline():
                    raise RuntimeError("the tail reader ended before it listened")
                figures = load("produce", **{**options, "bytes": options["bytes"] + (8 << 20)})
                read = json.loads(tail.communicate(timeout=120)[0])
                rates[name] = (figures["bytes"] / figures["seconds"], read["bytes"] / read["seconds"])
                last = name
            if number > 0:  # the first pair warms up
                produced.append(rates[full][0] / rates[last][0])
                fetched.append(rates[full][1] / rates[last][1])
            drop(broker, last)
        check_stored(broker, full, end, "behind")
    return produced, fetched


def check_stored(broker, topic, end, when):
    """All of it is still there: neither retention nor a recovery took it, and no scrubber found fault with it."""
    with kafka_wire.Client(broker.address, 60) as client:
        found = client.offset(topic, 0, -2), client.offset(topic, 0, -1)
    if found[0] != 0 or found[1] < end:
        raise RuntimeError(f"{broker.name}: {when} the measurement {topic} has offsets {found}, not 0 to {end} and more")
    log = broker.server.log_path.read_text(errors="replace") if broker.name == "penstock" else ""
    if "scrubbing" in log or "corrupt" in log:
        raise RuntimeError(f"the broker finds fault with what is stored: {log[-500:]}")


def spread(options):
    return [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), str(value))]


def set_end(data, topic, end):
    """The broker stopped cleanly, and noted where the log ended and how long it was: now it ends there."""
    ends = {name: end for name in ("clean-end-offset-checkpoint", "recovery-point-offset-checkpoint", "replication-offset-checkpoint")}
    ends["clean-end-size-checkpoint"] = sum(file.stat().st_size for file in (data / f"{topic}-0").glob("*.log"))
    for name, value in ends.items():
        if not (data / name).exists():
            continue  # Kafka finds the end itself
        lines = (data / name).read_text().splitlines()
        (data / name).write_text("".join(f"{topic} 0 {value}\n" if line.startswith(f"{topic} 0 ") else line + "\n" for line in lines))


class Table:
    def __init__(self):
        self.rows = []

    def add(self, measure, unit, ours, kafka, asked, reached, **more):
        """`reached`: True, False, None when nothing is asked, or NOT_COMPARED when what is asked needs Kafka and it did not run."""
        compared = reached is not NOT_COMPARED
        row = {"measure": measure, "unit": unit, "ours": ours, "kafka": kafka, "asked": asked, "reached": reached if compared else None,
               "compared": compared, **more}
        self.rows.append(row)
        print(f"{measure:76} {shown(ours):>9} {shown(kafka):>9} {unit:16} {asked:44} {verdict(reached)}", flush=True)


def shown(value):
    return "-" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def verdict(reached):
    return {None: "", True: "yes", False: "NO"}.get(reached, reached)


def against(theirs, good, alone=True):
    """Whether a row is reached that is asked relative to Kafka, `good(theirs)`, and also on its own, `alone`."""
    if theirs is None:
        return NOT_COMPARED if alone else False
    return good(theirs) and alone


def middle(values):
    return statistics.median(values) if values else None


def note(peaks, broker):
    """Keeps the peak of a broker that is done, and none of its data."""
    peaks[broker.name] = max(peaks.get(broker.name, 0.0), broker.peak_mb)
    shutil.rmtree(broker.folder, ignore_errors=True)


def both(options, folder, table, floors, peaks):
    """The rows that are measured on warm brokers, one broker after the other."""
    figures = {}
    for kind in (Penstock, Kafka) if options.kafka else (Penstock,):
        broker = kind(pathlib.Path(tempfile.mkdtemp(prefix=f"{kind.name}-", dir=folder)))
        with running(broker, BUSY):
            say(f"{kind.name}: warm-up")
            topic = broker.topic(4)
            load("produce", bootstrap=broker.address, topic=topic, partitions=4, bytes=GIB)
            load("consume", bootstrap=broker.address, topic=topic, partitions=4, bytes=GIB)
            load("produce", bootstrap=broker.address, topic=topic, partitions=4, connections=20, batch_bytes=1, seconds=5)
            drop(broker, topic)
            got = figures[kind.name] = {}
            for name, measure in (
                    ("produce-100", lambda b: produce(b, options.runs, 100)), ("produce-1k", lambda b: produce(b, options.runs, 1024)),
                    ("small", lambda b: small(b, options.runs, 5)), ("consume", lambda b: consume(b, options.runs)),
                    ("p99-10k", lambda b: latency(b, options.runs, 10_000, 10)), ("p99-50k", lambda b: latency(b, options.runs, 50_000, 10)),
                    ("idle", lambda b: idle(b, options.runs, 15)),
                    *((f"synced-{n}", lambda b, n=n: synced(b, options.runs, n, 5)) for n in (1, 16, 256)),
                    ("busy", lambda b: busy_tail(b, options.long_seconds))):
                if name == "busy" and options.long_seconds == 0:
                    continue
                say(f"{kind.name}: {name}")
                got[name] = measure(broker)
        note(peaks, broker)
    report(options, table, floors, figures["penstock"], figures.get("kafka", {}))


def report(options, table, floors, ours, kafka):
    def pair(name, part=None):
        pick = (lambda values: middle([v[part] for v in values])) if part is not None else middle
        return pick(ours[name]), (pick(kafka[name]) if name in kafka else None)

    def at_most(measure, name, unit, share, asked, floor=None):
        mine, theirs = pair(name)
        alone = True
        if floor is not None:
            times, value = floor
            alone = mine <= times * value
            asked += f", {times} x floor {value:.2f} ({mine / value:.2f})"
        table.add(measure, unit, mine, theirs, asked, against(theirs, lambda kafkas: mine <= kafkas * share, alone), all_runs=ours[name], kafka_runs=kafka.get(name))

    at_most("broker CPU per GiB produced, 100 B records, 64 KiB batches, acks=all", "produce-100", "s/GiB", 1 / 5, "1/5", (2.5, floors["receive"]))
    at_most("the same, 1 KiB records", "produce-1k", "s/GiB", 1 / 3, "1/3")
    mine, theirs = pair("small")
    table.add("100 producers, keyed, linger 0, 200 partitions", "requests/CPU-s", mine, theirs, "4 times",
              against(theirs, lambda kafkas: mine >= 4 * kafkas), all_runs=ours["small"], kafka_runs=kafka.get("small"))
    at_most("broker CPU per GiB consumed from page cache", "consume", "s/GiB", 2 / 3, "2/3", (1.5, floors["sendfile"]))
    at_most("end-to-end p99 at 10,000 records/s, acks=all", "p99-10k", "ms", 1 / 2, "1/2")
    at_most("end-to-end p99 at 50,000 records/s, acks=all", "p99-50k", "ms", 1 / 2, "1/2")
    if "busy" in ours:
        at_most(f"p99.9 over {options.long_seconds} s at 50,000/s, retention and compaction busy", "busy", "ms", 1 / 4, "1/4")
    mine, theirs = pair("idle")
    table.add("CPU while 500 idle consumers long-poll", "% of a core", mine, theirs, "under 5 %", mine < 5, all_runs=ours["idle"],
              kafka_runs=kafka.get("idle"))
    for producers in (1, 16, 256):
        mine, theirs = pair(f"synced-{producers}", 0)
        slow, slow_theirs = pair(f"synced-{producers}", 1)
        asked = "5 times" if producers == 256 else "printed"
        table.add(f"flush=ack, {producers} producers (Kafka: flush.messages=1)", "records/s", mine, theirs, asked,
                  None if producers != 256 else against(theirs, lambda kafkas, mine=mine: mine >= 5 * kafkas),
                  all_runs=ours[f"synced-{producers}"], kafka_runs=kafka.get(f"synced-{producers}"))
        table.add(f"flush=ack, {producers} producers, p99", "ms", slow, slow_theirs, "printed", None)


def started(options, folder, table, peaks):
    """The rows of start-up."""
    figures = {}
    for kind, runs in ((Penstock, options.runs), *(((Kafka, KAFKA_STARTS),) if options.kafka else ())):
        say(f"{kind.name}: start-up, {options.start_partitions:,} partitions, {options.start_gib:g} GiB")
        broker = kind(pathlib.Path(tempfile.mkdtemp(prefix=f"start-{kind.name}-", dir=folder)))
        figures[kind.name] = startup(broker, runs, options.start_partitions, options.start_gib)
        note(peaks, broker)
    for part, text, most in ((0, "after a clean stop", 100), (1, "after kill -9", 500)):
        ours, kafka = figures["penstock"][part], figures["kafka"][part] if "kafka" in figures else None
        times = "" if kafka is None else f" (Kafka: {len(kafka)} start)"
        table.add(f"exec to first ApiVersions answer, {options.start_partitions:,} partitions, {options.start_gib:g} GiB, {text}", "ms", middle(ours),
                  middle(kafka), f"at most {most}{times}", middle(ours) <= most, all_runs=ours, kafka_runs=kafka)


def much_stored(options, folder, table, peaks):
    """The rows with 50 GiB stored."""
    figures = {}
    for kind in (Penstock, Kafka) if options.kafka else (Penstock,):
        say(f"{kind.name}: {STORED_GIB} GiB stored against an empty topic")
        broker = kind(pathlib.Path(tempfile.mkdtemp(prefix=f"stored-{kind.name}-", dir=folder)))
        figures[kind.name] = stored(broker, options.runs, STORED_GIB)
        note(peaks, broker)
    for part, text in enumerate(("produce", "tail-fetch")):
        ours, kafka = figures["penstock"][part], figures["kafka"][part] if "kafka" in figures else None
        table.add(f"{text} rate with {STORED_GIB} GiB stored against an empty topic", "ratio", middle(ours), middle(kafka), "0.97 or more",
                  middle(ours) >= 0.97, all_runs=ours, kafka_runs=kafka)


PARTS = ("load", "startup", "stored")


def bench_broker(options, folder):
    wanted = options.only.split(",") if options.only else list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        raise SystemExit(f"--only {','.join(sorted(unknown))}: the parts are {', '.join(PARTS)}")
    if options.kafka:
        subprocess.run([sys.executable, str(KAFKA), "fetch"], check=True, stdout=subprocess.DEVNULL)
    table = Table()
    peaks = {}
    print(f"{'measure':76} {'ours':>9} {'Kafka':>9} {'unit':16} {'asked':44} reached")
    if "load" in wanted:
        say("floors")
        floors = {"receive": middle([load("receive-floor", directory=folder)["cpu_s"] for _ in range(options.runs)]),
                  "sendfile": middle([load("sendfile-floor", directory=folder, bytes=2 * GIB)["cpu_s"] / 2 for _ in range(options.runs)])}
        both(options, folder, table, floors, peaks)
    if "startup" in wanted:
        started(options, folder, table, peaks)
    if "stored" in wanted:
        much_stored(options, folder, table, peaks)
    over = "over the whole bench" if set(wanted) == set(PARTS) else f"over {', '.join(part for part in PARTS if part in wanted)}"
    ours, kafka = peaks["penstock"], peaks.get("kafka")
    table.add(f"peak RSS {over}", "MB", ours, kafka, "1/8", against(kafka, lambda kafkas: ours <= kafkas / 8))
    return table.rows
