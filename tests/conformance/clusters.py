"""The cluster under test and the programs that judge it. PENSTOCK_PEER=kafka runs the same tests against Apache Kafka, so that a
difference is known to be ours; PENSTOCK_PEER_ADDRESS=host:port uses a Kafka that runs already (not for tests that end it)."""

import contextlib
import fcntl
import importlib
import json
import os
import pathlib
import shutil
import site
import socket
import subprocess
import sys
import tempfile
import unittest
import warnings

import servers

PEERS = servers.ROOT / "tests" / "peers"
KAFKA = PEERS / "kafka.py"
APACHE = os.environ.get("PENSTOCK_PEER") == "kafka"
RUNNING = os.environ.get("PENSTOCK_PEER_ADDRESS")
# Names that Kafka's own broker does not know, or knows with other defaults; the tests below count on these.
KAFKA_OVERRIDES = ("group.initial.rebalance.delay.ms=100", "offsets.topic.num.partitions=8", "auto.create.topics.enable=true")
TOOL_SECONDS = 120


def cache():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(home) / "penstock"


def python_client(name):
    """A client of PyPI as a module, by the version that requirements.txt names; the virtual environment is made once, in the repository's .venv
    or the user's cache."""
    wanted = (PEERS / "requirements.txt").read_text()
    for place in (servers.ROOT / ".venv", cache() / "venv"):
        if importlib.util.find_spec(name) is None and place.is_dir():
            _use(place)
    place = cache() / "venv"
    place.parent.mkdir(parents=True, exist_ok=True)
    stamp = place / "requirements.done"
    with open(cache() / "venv.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if importlib.util.find_spec(name) is None or (place.is_dir() and not _done(stamp, wanted)):
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
            subprocess.run([place / "bin" / "pip", "install", "--quiet", "-r", PEERS / "requirements.txt"], check=True)
            stamp.write_text(wanted)
    _use(place)
    return importlib.import_module(name)


def _done(stamp, wanted):
    return stamp.is_file() and stamp.read_text() == wanted


def _use(place):
    for packages in place.glob("lib/python3*/site-packages"):
        site.addsitedir(str(packages))
    importlib.invalidate_caches()


class Penstock:
    """Our broker; address and data outlive kill() and restart()."""

    def __init__(self, folder, overrides=()):
        self.folder = folder
        self.overrides = list(overrides)
        self.server = servers.broker(folder, overrides=self.overrides)

    @property
    def address(self):
        return self.server.address

    @property
    def data(self):
        return self.folder / "broker-data"

    def stop(self):
        code = self.server.stop()
        if code != 0:
            raise RuntimeError(f"the broker ended with {code}: {self.server.log_path.read_text(errors='replace')[-2000:]}")

    def kill(self):
        self.server.kill()

    def start(self):
        port = self.server.port
        self.server.process.stdout.close()
        self.server.log.close()
        self.server = servers.broker(self.folder, port=port, overrides=self.overrides)

    def close(self):
        self.server.__exit__(None, None, None)


class Apache:
    """Apache Kafka in the same place."""

    def __init__(self, folder, overrides=()):
        self.folder = folder
        self.overrides = [*KAFKA_OVERRIDES, *(each for each in overrides if not each.startswith("penstock."))]
        self.start()

    @property
    def data(self):
        return self.folder / "kafka" / "data"

    def start(self):
        if RUNNING:
            self.address = RUNNING
            return
        command = [sys.executable, KAFKA, "start", "--dir", self.folder / "kafka"]
        for override in self.overrides:
            command += ["--override", override]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        self.address = json.loads(out.splitlines()[-1])["bootstrap"]

    def _stop(self, *options):
        if RUNNING:
            return
        subprocess.run([sys.executable, KAFKA, "stop", "--dir", self.folder / "kafka", *options], check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self._stop()

    def kill(self):
        self._stop("--kill")

    def close(self):
        self._stop()


class ClusterCase(unittest.TestCase):
    """One cluster for each class of tests; topics are named after the tests."""

    OVERRIDES = ()

    @classmethod
    def setUpClass(cls):
        warnings.simplefilter("ignore", ResourceWarning)  # Of the clients: sockets that they leave to the collector.
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-conformance-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.cluster = (Apache if APACHE else Penstock)(cls.folder, cls.OVERRIDES)
        cls.addClassCleanup(cls.cluster.close)

    def setUp(self):
        self.topic = self.id().rsplit(".", 1)[1].removeprefix("test_").replace("_", "-")
        if APACHE and RUNNING:
            self.topic += f"-{os.getpid()}"

    def kcat(self, *arguments, stdin=b"", seconds=30, check=True):
        done = subprocess.run(["kcat", "-b", self.cluster.address, *arguments], input=stdin, capture_output=True, timeout=seconds, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
        return done

    def tool(self, name, *arguments, stdin=None, check=True, seconds=TOOL_SECONDS, bootstrap=True):
        """Runs a class of org.apache.kafka.tools, or of kafka. when named in full; returns what it printed."""
        command = [sys.executable, KAFKA, "run", name if name.startswith("kafka.") else f"org.apache.kafka.tools.{name}"]
        command += ["--bootstrap-server", self.cluster.address] if bootstrap else []
        done = subprocess.run([*command, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=seconds, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout if check else done

    def config_file(self, name, **settings):
        path = self.folder / f"{self.topic}-{name}.properties"
        path.write_text("".join(f"{key.replace('_', '.')}={value}\n" for key, value in settings.items()))
        return path


@contextlib.contextmanager
def connection(address, seconds=10):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), seconds) as raw:
        yield raw
