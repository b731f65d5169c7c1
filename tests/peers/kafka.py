#!/usr/bin/env python3
"""Apache Kafka as a peer for tests: fetch it, start one broker, run its tools.

The class path comes from Maven Central (pom.xml beside this file). It is kept in
$PENSTOCK_PEERS_CACHE/kafka-4.3.0, by default ${XDG_CACHE_HOME:-~/.cache}/penstock/kafka-4.3.0.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

KAFKA_VERSION = "4.3.0"
HERE = Path(__file__).resolve().parent
COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
NEEDED_JARS = (
    f"kafka_2.13-{KAFKA_VERSION}.jar",
    f"kafka-clients-{KAFKA_VERSION}.jar",
    f"kafka-tools-{KAFKA_VERSION}.jar",
)
SERVER_CLASS = "kafka.Kafka"
STORAGE_CLASS = "kafka.tools.StorageTool"
DUMP_CLASS = "org.apache.kafka.tools.DumpLogSegments"

# A small JVM that starts quickly: tests run short, and share few cores.
JVM_SMALL = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
# What kafka-server-start.sh gives a broker; for measurements.
JVM_SERVER = (
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
)
READY_TIMEOUT_S = 90
PORT_ATTEMPTS = 3
OWN_PORTS = range(20_000, 32_000)
STOP_TIMEOUT_S = 30

# DumpLogSegments reports damage in its output and still exits with 0. The patterns are tied to the
# places where it prints, so that a payload which talks about errors is not taken for one.
DUMP_PROBLEMS = tuple(
    re.compile(pattern.encode())
    for pattern in (
        r"^Mismatches in :",
        r"^Found timestamp mismatch in :",
        r"^Found out of order timestamp in :",
        r"^The following indexed offsets are not found in :",
        r"^Found \d+ invalid bytes at the end of ",
        r"^Ignoring unknown file ",
        r"^Error at ",
        r"^Failed to decode message at offset ",
        r"^Unknown record type \d+ at offset ",
        r"^(baseOffset|offset): .*\bis[vV]alid: false\b",
        r"^(\| )?offset: (?:(?!key:|payload:|headerKeys:).)*\bis[vV]alid: false\b",
        r"^Exception in thread ",
        r"^[\w.$]+(Exception|Error)(: |$)",
        r"^Caused by: ",
    )
)
# Gaps come last, as a heading for each file and one line for each gap.
GAPS_OF = re.compile(rb"^Non-consecutive offsets in (.*)$")
GAP = re.compile(rb"^  (-?\d+) is followed by (-?\d+)$")

PARTITION_FILES = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
INDEX_ENTRY_BYTES = {".index": 8, ".timeindex": 12}


class PeerError(Exception):
    """A failure whose text says what to do about it."""


# --- class path --------------------------------------------------------------------------------


def cache_dir():
    root = os.environ.get("PENSTOCK_PEERS_CACHE")
    if not root:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        root = os.path.join(home, "penstock")
    return Path(root).absolute() / f"kafka-{KAFKA_VERSION}"


def is_fetched(directory):
    return all((directory / "libs" / jar).is_file() for jar in NEEDED_JARS)


def fetch():
    """Fills the cache directory; it appears whole or not at all."""
    cache = cache_dir()
    if is_fetched(cache):
        return cache
    if not shutil.which("mvn"):
        raise PeerError("mvn is not installed: apt-get install --no-install-recommends maven")
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{cache.name}.", dir=cache.parent) as scratch:
        staged = Path(scratch) / "staged"
        command = [
            "mvn",
            "--batch-mode",
            "--quiet",
            "-Dstyle.color=never",
            "--strict-checksums",
            "-f",
            str(HERE / "pom.xml"),
            COPY_DEPENDENCIES,
            "-DincludeScope=runtime",
            f"-DoutputDirectory={staged / 'libs'}",
        ]
        print(f"fetching Apache Kafka {KAFKA_VERSION} into {cache} ...", file=sys.stderr)
        done = subprocess.run(command, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise PeerError(
                f"mvn exited with {done.returncode}: see its messages above; it needs Maven Central"
                " or a mirror of it in ~/.m2/settings.xml"
            )
        if not is_fetched(staged):
            raise PeerError(
                f"mvn did not deliver {', '.join(NEEDED_JARS)}: check {HERE / 'pom.xml'}"
            )
        if cache.exists() and not is_fetched(cache):
            shutil.rmtree(cache)
        try:
            staged.rename(cache)
        except OSError:
            # Somebody else fetched it at the same time.
            if not is_fetched(cache):
                raise
    return cache


def java(class_name, *, heap, log_level="WARN", properties=(), jvm=JVM_SMALL):
    """The command line that runs `class_name`, without its arguments."""
    cache = cache_dir()
    if not is_fetched(cache):
        raise PeerError(f"Kafka is not in {cache}: run `{HERE / 'kafka.py'} fetch` first")
    home = os.environ.get("JAVA_HOME")
    program = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if not program or not os.access(program, os.X_OK):
        raise PeerError(
            "java is not installed: apt-get install --no-install-recommends openjdk-17-jre-headless"
        )
    return [
        program,
        *jvm,
        f"-Xmx{heap}",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
        f"-Dpeer.log.level={log_level}",
        *properties,
        "-cp",
        str(cache / "libs" / "*"),
        class_name,
    ]


# --- broker ------------------------------------------------------------------------------------


def free_port():
    """One below those that the system hands out: nobody gets it while a killed broker restarts."""
    for port in random.sample(OWN_PORTS, len(OWN_PORTS)):
        if not is_taken(port):
            return port
    raise PeerError(f"no port from {OWN_PORTS.start} to {OWN_PORTS.stop} is free")


def is_taken(port):
    with socket.socket() as probe:
        # As Java binds: connections of the past in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def read_state(directory):
    try:
        return json.loads((directory / "peer.json").read_text())
    except FileNotFoundError:
        return {}


def write_state(directory, state):
    fresh = directory / "peer.json.new"
    fresh.write_text(json.dumps(state) + "\n")
    fresh.replace(directory / "peer.json")


def is_our_broker(pid, directory):
    """True while `pid` is the broker of `directory`, not a process that got its number later."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return False
    except (FileNotFoundError, ProcessLookupError):
        return False
    return (
        SERVER_CLASS.encode() in command and os.fsencode(directory / "server.properties") in command
    )


def server_properties(directory, port, controller_port, overrides):
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(directory / "data"),
        # One broker: internal topics cannot have three replicas.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "5",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "5",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "5",
        "group.initial.rebalance.delay.ms": "0",
    }
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            raise PeerError(f"--override {override}: write it as name=value")
        properties[key] = value
    lines = (f"{key}={value}".replace("\\", "\\\\") for key, value in properties.items())
    return "\n".join(lines) + "\n"


def format_storage(config):
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    while cluster_id.startswith("-"):  # an option, to the tool
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = java(STORAGE_CLASS, heap="256m") + ["format", "-t", cluster_id, "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PeerError(
            f"formatting the storage failed, check --override:\n{done.stdout}{done.stderr}".rstrip()
        )


def ask(port, api_key, version, body):
    """One request without client id, and the body of its answer."""
    payload = struct.pack(">hhih", api_key, version, 7, -1) + body
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(struct.pack(">i", len(payload)) + payload)
        with connection.makefile("rb") as stream:
            size = stream.read(4)
            answer = stream.read(struct.unpack(">i", size)[0]) if len(size) == 4 else b""
    if len(answer) < 4 or struct.unpack(">i", answer[:4])[0] != 7:
        raise OSError("no answer")
    return answer[4:]


def is_ready(port):
    """True when the broker answers ApiVersions and names itself in Metadata: no longer fenced."""
    try:
        if struct.unpack(">h", ask(port, 18, 0, b"")[:2])[0] != 0:
            return False
        # Metadata v1, an empty list of topics. The answer starts with the array of brokers.
        return struct.unpack(">i", ask(port, 3, 1, struct.pack(">i", 0))[:4])[0] >= 1
    except OSError:
        return False


def wait_until_ready(process, port, log):
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PeerError(
                f"Kafka exited with {process.returncode}; the end of {log}:\n{tail(log)}"
            )
        if is_ready(port):
            return
        time.sleep(0.1)
    process.kill()
    process.wait()
    raise PeerError(
        f"Kafka was not ready after {READY_TIMEOUT_S} s; the end of {log}:\n{tail(log)}"
    )


def tail(path, lines=15):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def start(directory, port=0, heap="512m", overrides=(), jvm=JVM_SMALL):
    """Starts the broker of `directory` and returns its bootstrap address and pid.

    A directory that was used before keeps its data and, with port 0, its port."""
    directory = Path(directory).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    state = read_state(directory)
    if state.get("pid") and is_our_broker(state["pid"], directory):
        raise PeerError(
            f"a broker runs there already, pid {state['pid']}: stop --dir {directory} first"
        )
    for attempt in range(PORT_ATTEMPTS):
        state["pid"] = None
        state["port"] = port or state.get("port") or free_port()
        state.setdefault("controller_port", free_port())
        taken = [p for p in (state["port"], state["controller_port"]) if is_taken(p)]
        if taken:
            raise PeerError(
                f"port {taken[0]} is taken: end its user, or choose another --port and --dir"
            )
        try:
            process = launch(directory, state, heap, overrides, jvm)
            break
        except PeerError:
            # Java takes a while to listen; somebody else may have got the free port meanwhile.
            collided = is_taken(state["port"]) or is_taken(state["controller_port"])
            if attempt + 1 == PORT_ATTEMPTS or port or not collided:
                raise
            state = {}
    return {"bootstrap": f"127.0.0.1:{state['port']}", "pid": process.pid}


def launch(directory, state, heap, overrides, jvm):
    command = java(SERVER_CLASS, heap=heap, log_level="INFO", jvm=jvm)
    config = directory / "server.properties"
    config.write_text(
        server_properties(directory, state["port"], state["controller_port"], overrides)
    )
    if not (directory / "data" / "meta.properties").exists():
        format_storage(config)
    log = directory / "server.log"
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [*command, str(config)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
            start_new_session=True,
        )
    state["pid"] = process.pid
    write_state(directory, state)
    try:
        wait_until_ready(process, state["port"], log)
    except BaseException:
        if process.poll() is None:
            process.kill()
            process.wait()
        raise
    return process


def stop(directory, kill=False):
    """Ends the broker of `directory`, waits until it is gone; its pid, or None when none ran."""
    directory = Path(directory).absolute()
    state = read_state(directory)
    if not state:
        raise PeerError(f"{directory} has no peer.json: give the --dir that `start` was given")
    pid = state.get("pid")
    if not pid or not is_our_broker(pid, directory):
        return None
    os.kill(pid, signal.SIGKILL if kill else signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while is_our_broker(pid, directory):
        if time.monotonic() > deadline:
            raise PeerError(
                f"pid {pid} did not end within {STOP_TIMEOUT_S} s: see {directory / 'server.log'},"
                f" or stop --kill --dir {directory}"
            )
        time.sleep(0.05)
    return pid


# --- tools -------------------------------------------------------------------------------------


def is_preallocated(path):
    """True for an index not yet trimmed to its entries by a running broker: its end is zeros."""
    entry_bytes = INDEX_ENTRY_BYTES.get(path.suffix)
    size = path.stat().st_size
    if not entry_bytes or size <= entry_bytes:
        return False
    with open(path, "rb") as file:
        file.seek(size - entry_bytes)
        return not any(file.read())


def partition_files(directory):
    files = sorted(entry for entry in directory.iterdir() if entry.suffix in PARTITION_FILES)
    if not any(entry.suffix == ".log" for entry in files):
        raise PeerError(
            f"{directory} has no .log file: name a partition's directory, as in data/orders-0"
        )
    chosen = []
    for path in files:
        if is_preallocated(path):
            # The tool would take the zeros for entries and report a mismatch.
            print(f"skipped {path}: preallocated, the broker has not closed it", file=sys.stderr)
        else:
            chosen.append(path)
    return chosen


def dump_targets(names):
    """Files as given; a partition's directory stands for all of its files that the tool reads."""
    files = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            files += partition_files(path)
        elif path.is_file():
            files.append(path)
        else:
            raise PeerError(f"{path}: no such file or directory")
    for path in files:
        if "," in str(path):
            raise PeerError(f"{path}: the tool splits names at commas; rename it or use a link")
    return [str(path) for path in files]


class DumpProblems:
    """Picks the lines of DumpLogSegments that report damage.

    With `gaps_expected`, as in a compacted log, missing offsets are no damage."""

    def __init__(self, gaps_expected):
        self.lines = []
        self._gaps_expected = gaps_expected
        self._gaps_of = None

    def look_at(self, line):
        heading = GAPS_OF.match(line)
        if heading:
            self._gaps_of = heading[1]
            return
        gap = GAP.match(line) if self._gaps_of else None
        if gap:
            self._look_at_gap(int(gap[1]), int(gap[2]))
            return
        self._gaps_of = None
        if any(problem.search(line) for problem in DUMP_PROBLEMS):
            self.lines.append(line.rstrip(b"\n").decode(errors="replace"))

    def _look_at_gap(self, before, after):
        segment = Path(os.fsdecode(self._gaps_of))
        # 4.3.0 reports the first record of every segment but the first as a gap after -1.
        first_as_named = before == -1 and segment.stem.isdigit() and int(segment.stem) == after
        if not first_as_named and not self._gaps_expected:
            self.lines.append(f"{segment}: offset {before} is followed by {after}")


def dump_log(names, options, heap="512m", gaps_expected=False):
    """Runs DumpLogSegments, passes its output on; returns (exit code, lines that report damage)."""
    command = java(DUMP_CLASS, heap=heap) + [*options, "--files", ",".join(dump_targets(names))]
    problems = DumpProblems(gaps_expected)
    # Bytes throughout: payloads are printed raw.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as tool:
        for line in tool.stdout:
            sys.stdout.buffer.write(line)
            problems.look_at(line)
    sys.stdout.flush()
    return tool.returncode, problems.lines


# --- command line ------------------------------------------------------------------------------


def command_fetch(_):
    print(fetch())
    return 0


def command_start(args):
    jvm = JVM_SERVER if args.jvm == "server" else JVM_SMALL
    print(json.dumps(start(args.dir, args.port, args.heap, args.override, jvm)), flush=True)
    return 0


def command_stop(args):
    print(json.dumps({"stopped": stop(args.dir, args.kill)}), flush=True)
    return 0


def command_dump_log(args):
    options = [
        f"--{name}"
        for name in (
            "deep-iteration",
            "print-data-log",
            "index-sanity-check",
            "verify-index-only",
            "offsets-decoder",
            "transaction-log-decoder",
            "skip-record-metadata",
        )
        if getattr(args, name.replace("-", "_"))
    ]
    code, problems = dump_log(args.file, options, args.heap, args.compacted)
    if code != 0:
        print(f"{DUMP_CLASS} exited with {code}", file=sys.stderr)
    for problem in problems[:20]:
        print(f"problem: {problem[:300]}", file=sys.stderr)
    if problems:
        print(f"{len(problems)} lines of the output report damage", file=sys.stderr)
    return code or (1 if problems else 0)


def command_run(args):
    command = java(args.CLASS, heap=args.heap) + args.args
    os.execv(command[0], command)


def parser():
    top = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(
            "example:\n  kafka.py fetch\n  kafka.py start --dir /tmp/peer\n  kafka.py stop --dir"
            " /tmp/peer"
        ),
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name, action, text, example):
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"example:\n{example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(action=action)
        return command

    add(
        "fetch",
        command_fetch,
        "Get Kafka's jars into the cache, once, and print the directory.",
        "  kafka.py fetch",
    )

    begin = add(
        "start",
        command_start,
        "Format storage, start one broker (KRaft, broker and controller) on loopback, wait until it"
        " answers, and print one JSON line.",
        "  kafka.py start --dir /tmp/peer --override num.partitions=4\n"
        '  {"bootstrap": "127.0.0.1:40123", "pid": 4711}',
    )
    begin.add_argument(
        "--dir", required=True, help="data, configuration and log of this broker; made when missing"
    )
    begin.add_argument(
        "--port", type=int, default=0, help="0 chooses a free one, or the one used before in --dir"
    )
    begin.add_argument("--heap", default="512m", help="largest Java heap (default %(default)s)")
    begin.add_argument(
        "--jvm",
        choices=("small", "server"),
        default="small",
        help="small: starts quickly; server: as Kafka's own scripts start it (default %(default)s)",
    )
    begin.add_argument(
        "--override", action="append", default=[], metavar="NAME=VALUE", help="a broker setting"
    )

    end = add(
        "stop",
        command_stop,
        "End the broker of a directory by its pid and wait until it is gone.",
        "  kafka.py stop --dir /tmp/peer",
    )
    end.add_argument("--dir", required=True, help="the directory that `start` was given")
    end.add_argument("--kill", action="store_true", help="SIGKILL: no clean shutdown")

    dump = add(
        "dump-log",
        command_dump_log,
        "Run DumpLogSegments. Exits with the tool's code, and with 1 when its output reports"
        " damage.",
        "  kafka.py dump-log --deep-iteration /tmp/peer/data/orders-0\n"
        "  kafka.py dump-log --print-data-log 00000000000000000000.log",
    )
    dump.add_argument(
        "file", nargs="+", metavar="FILE", help="segment or index file, or a partition's directory"
    )
    dump.add_argument(
        "--deep-iteration", action="store_true", help="look into each record, not only batches"
    )
    dump.add_argument(
        "--print-data-log", action="store_true", help="print keys and values; iterates deeply"
    )
    dump.add_argument(
        "--index-sanity-check", action="store_true", help="only the check of indexes at start-up"
    )
    dump.add_argument(
        "--verify-index-only",
        action="store_true",
        help="check indexes against the log, print nothing",
    )
    dump.add_argument(
        "--offsets-decoder", action="store_true", help="records are those of __consumer_offsets"
    )
    dump.add_argument(
        "--transaction-log-decoder",
        action="store_true",
        help="records are those of __transaction_state",
    )
    dump.add_argument(
        "--skip-record-metadata", action="store_true", help="print no record metadata"
    )
    dump.add_argument("--compacted", action="store_true", help="missing offsets are no damage")
    dump.add_argument("--heap", default="512m", help="largest Java heap (default %(default)s)")

    run = add(
        "run",
        command_run,
        "Run any class of Kafka, most often one of org.apache.kafka.tools: ConsoleProducer,"
        " TopicCommand, GetOffsetShell, ProducerPerformance, VerifiableProducer,"
        " BrokerApiVersionsCommand; or org.apache.kafka.tools.consumer.ConsoleConsumer and"
        " consumer.group.ConsumerGroupCommand there.",
        "  kafka.py run org.apache.kafka.tools.TopicCommand --bootstrap-server 127.0.0.1:40123"
        " --list",
    )
    run.add_argument(
        "--heap", default="256m", help="largest Java heap (default %(default)s); before CLASS"
    )
    run.add_argument("CLASS", help="full name of the class")
    run.add_argument("args", nargs=argparse.REMAINDER, help="handed to the class as they are")
    return top


def main():
    args = parser().parse_args()
    try:
        return args.action(args)
    except PeerError as error:
        print(f"kafka.py: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
