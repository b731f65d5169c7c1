"""Starts the project's programs as a user would, on port 0 and in a folder of the test's own, and ends them by their process id."""

import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("PENSTOCK_BIN", ROOT / "build" / "release" / "bin"))


class Server:
    """A child that says `ready ADDRESS`. Its output goes to a log file in `folder`."""

    def __init__(self, name, command, folder, ready_seconds=60):
        self.name = name
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        self.log = open(self.log_path, "ab")
        self.started = time.monotonic()
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.log, start_new_session=True)
        lines = queue.Queue()
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()
        self.address = None
        deadline = time.monotonic() + ready_seconds
        while self.address is None:
            try:
                line = lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                self.kill()
                raise TimeoutError(f"{name} was not ready within {ready_seconds} s; see {self.log_path}") from None
            if line is None:
                code = self.process.wait()
                raise RuntimeError(f"{name} ended with {code}: {self.log_path.read_text(errors='replace')[-2000:]}")
            found = re.match(r"ready (?:\w+://)?(\S+)", line)
            if found:
                self.address = found.group(1)
                self.ready_seconds = time.monotonic() - self.started

    def _read(self, lines):
        for raw in self.process.stdout:
            self.log.write(raw)
            self.log.flush()
            lines.put(raw.decode(errors="replace"))
        lines.put(None)

    @property
    def pid(self):
        return self.process.pid

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        """kill -9, and waits for the end."""
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=60):
        """SIGTERM; returns the exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.alive():
            try:
                self.stop(40)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process.stdout.close()
        self.log.close()


def broker(folder, port=0, overrides=(), name="broker"):
    command = [BIN / "penstock-broker", "--override", f"listeners=PLAINTEXT://127.0.0.1:{port}",
               "--override", f"log.dirs={folder}/{name}-data"]
    for override in overrides:
        command += ["--override", override]
    return Server(name, command, folder)


def worker(folder, bootstrap, port=0, settings=None, name="worker"):
    path = pathlib.Path(folder) / f"{name}.properties"
    lines = {"bootstrap.servers": bootstrap, "listeners": f"http://127.0.0.1:{port}",
             "offset.storage.file.filename": f"{folder}/{name}-state", **(settings or {})}
    path.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
    return Server(name, [BIN / "penstock-connect", "standalone", path], folder)


class Rest:
    """Connect's REST API of one worker."""

    def __init__(self, address):
        self.url = f"http://{address}"

    def call(self, method, path, body=None, seconds=60):
        """(status, parsed JSON or None)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                raw = answer.read()
                return answer.status, json.loads(raw) if raw else None
        except urllib.error.HTTPError as error:
            raw = error.read()
            return error.code, json.loads(raw) if raw else None

    def put_connector(self, name, config):
        status, body = self.call("PUT", f"/connectors/{name}/config", config)
        if status not in (200, 201):
            raise RuntimeError(f"connector {name}: {status} {body}")
        return body


def children_of(pid):
    """Process ids of the direct children."""
    out = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = pathlib.Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            out.append(int(entry))
    return out


def command_of(pid):
    try:
        return pathlib.Path("/proc", str(pid), "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def cpu_seconds(pid):
    """User and system time of one process so far."""
    fields = pathlib.Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_rss_mb(pid):
    found = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path("/proc", str(pid), "status").read_text())
    return int(found.group(1)) / 1024
