#!/usr/bin/env python3
"""A temporary PostgreSQL server for tests.

    with postgres.Server() as server:
        subprocess.run(["psql", server.uri, "-c", "SELECT 1"], check=True)

It listens on loopback and on a Unix socket in its directory, with a password made up at start.
Root may not run PostgreSQL, so for root the server runs as the system user `postgres`.
"""

import argparse
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

SUPERUSER = "penstock"
DATABASE = "penstock"
ROOTS_STAND_IN = "postgres"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
# Longer socket names do not fit sockaddr_un.
SOCKET_PATH_BYTES_MAX = 107

# Small and quick; logical decoding is on, for change data capture.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "wal_level": "logical",
    "log_min_messages": "warning",
}


class PostgresError(Exception):
    """A failure whose text says what to do about it."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name):
    """Debian keeps the server's programs out of PATH."""
    versioned = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3])
    )
    path = str(versioned[-1]) if versioned else shutil.which(name)
    if not path:
        raise PostgresError(
            f"{name} is not installed: apt-get install --no-install-recommends postgresql-15"
            " postgresql-client-15"
        )
    return path


def account():
    """Who runs the server: keywords for subprocess, and the passwd entry."""
    if os.geteuid() != 0:
        return {}, pwd.getpwuid(os.geteuid())
    try:
        entry = pwd.getpwnam(ROOTS_STAND_IN)
    except KeyError:
        raise PostgresError(
            f"root may not run PostgreSQL, and there is no user {ROOTS_STAND_IN}: install"
            " postgresql-common, or run this as another user"
        ) from None
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}, entry


def run(command, log=None):
    """Runs one of PostgreSQL's programs as the server's user."""
    keywords, entry = account()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    environment |= {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        cwd="/",
        check=False,
        **keywords,
    )
    if done.returncode != 0:
        tail = (
            "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            if log and log.exists()
            else ""
        )
        raise PostgresError(
            f"{command[0]} exited with {done.returncode}:\n{done.stdout}{tail}".rstrip()
        )


class Server:
    """One server in one directory: data/, server.log, server.json.

    Without `directory` a temporary one is made, and removed when the context ends. Data, port and
    password survive stop() and kill(): start it again to test a restart.
    """

    def __init__(self, directory=None, port=0, fsync=True, settings=None):
        self._temporary = directory is None
        if self._temporary:
            directory = tempfile.mkdtemp(prefix="penstock-pg-")
        self.directory = Path(directory).absolute()
        self._port_wanted = port
        self._settings = SETTINGS | {"fsync": "on" if fsync else "off"} | (settings or {})

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self._clean_up()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self._clean_up()

    def _clean_up(self):
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    # What server.json says: port, password.
    def _state(self):
        try:
            return json.loads((self.directory / "server.json").read_text())
        except FileNotFoundError:
            return {}

    @property
    def port(self):
        return self._state()["port"]

    @property
    def uri(self):
        state = self._state()
        login = f"{SUPERUSER}:{quote(state['password'])}"
        return f"postgresql://{login}@127.0.0.1:{state['port']}/{DATABASE}"

    @property
    def pid(self):
        """The pid of the running server, else None."""
        data = self.directory / "data"
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
            # A pid file outlives a killed server; its number may be another process by now.
            if os.fsencode(data) not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return None
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return None
        except (FileNotFoundError, ProcessLookupError, IndexError, ValueError):
            return None
        return pid

    def start(self):
        if self.pid:
            raise PostgresError(
                f"a server runs there already, pid {self.pid}: stop --dir {self.directory} first"
            )
        self._prepare_directory()
        state = self._state()
        if not (self.directory / "data" / "PG_VERSION").exists():
            state["password"] = secrets.token_hex(16)
            self._initialise(state["password"])
        if not self._children_remain():
            # Left by a killed server. PostgreSQL respects them while their pid exists, be it
            # a zombie's.
            for lock in (
                self.directory / "data" / "postmaster.pid",
                *self.directory.glob(".s.PGSQL.*"),
            ):
                lock.unlink(missing_ok=True)
        for attempt in range(5):
            state["port"] = self._port_wanted or state.get("port") or free_port()
            self._write_state(state)
            try:
                self._start_on(state["port"])
                break
            except PostgresError:
                # Somebody may have taken the free port in between.
                if attempt == 4 or self._port_wanted or not self._port_was_taken():
                    raise
                del state["port"]
        self._create_database()

    def stop(self, kill=False):
        """Ends the server (fast shutdown, or SIGKILL), waits until it is gone, returns its pid.

        None when none ran.
        """
        pid = self.pid
        if pid is None:
            return None
        os.kill(pid, signal.SIGKILL if kill else signal.SIGINT)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self.pid == pid or self._children_remain():
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"pid {pid} did not end within {STOP_TIMEOUT_S} s: see"
                    f" {self.directory / 'server.log'}, or stop --kill --dir {self.directory}"
                )
            time.sleep(0.02)
        return pid

    def kill(self):
        """Ends the server as a crash does."""
        return self.stop(kill=True)

    def _children_remain(self):
        """True while backends of a killed server hold its shared memory: no new one could start."""
        data = os.fsencode(self.directory / "data")
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    if os.readlink(process / "cwd").encode() == data:
                        return True
                except OSError:
                    continue
        return False

    def _prepare_directory(self):
        keywords, entry = account()
        self.directory.mkdir(parents=True, exist_ok=True)
        if not keywords:
            return
        for parent in self.directory.parents:
            if not parent.stat().st_mode & 0o001:
                raise PostgresError(
                    f"user {entry.pw_name} may not enter {parent}, and root's server runs as that user:"
                    f" chmod o+x {parent}, or choose another --dir"
                )
        self.directory.chmod(0o700)
        os.chown(self.directory, entry.pw_uid, entry.pw_gid)

    def _initialise(self, password):
        _, entry = account()
        shutil.rmtree(
            self.directory / "data", ignore_errors=True
        )  # of an earlier start that did not get far
        password_file = self.directory / "password"
        password_file.write_text(password + "\n")
        try:
            os.chmod(password_file, 0o600)
            os.chown(password_file, entry.pw_uid, entry.pw_gid)
            run(
                [
                    program("initdb"),
                    "--pgdata",
                    str(self.directory / "data"),
                    "--username",
                    SUPERUSER,
                    "--pwfile",
                    str(password_file),
                    "--auth",
                    "scram-sha-256",
                    "--encoding",
                    "UTF8",
                    "--locale",
                    "C.UTF-8",
                    "--no-sync",
                    "--no-instructions",
                ]
            )
        finally:
            password_file.unlink()

    def _write_state(self, state):
        fresh = self.directory / "server.json.new"
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(state) + "\n")
        fresh.replace(self.directory / "server.json")

    def _start_on(self, port):
        settings = self._settings | {
            "port": str(port),
            "unix_socket_directories": self._socket_directory(port),
        }
        options = []
        for name, value in settings.items():
            options += ["-c", f"{name}={value}"]
        log = self.directory / "server.log"
        log.unlink(missing_ok=True)
        run(
            [
                program("pg_ctl"),
                "start",
                "--wait",
                "--timeout",
                str(START_TIMEOUT_S),
                "--silent",
                "--pgdata",
                str(self.directory / "data"),
                "--log",
                str(log),
                "--options",
                " ".join("'" + option.replace("'", "'\\''") + "'" for option in options),
            ],
            log,
        )

    def _socket_directory(self, port):
        name = f"{self.directory}/.s.PGSQL.{port}"
        return str(self.directory) if len(os.fsencode(name)) <= SOCKET_PATH_BYTES_MAX else ""

    def _port_was_taken(self):
        log = self.directory / "server.log"
        return log.exists() and "Address already in use" in log.read_text(errors="replace")

    def _create_database(self):
        environment = os.environ | {"PGPASSWORD": self._state()["password"]}
        base = [
            program("psql"),
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            SUPERUSER,
            "-d",
            "postgres",
        ]
        exists = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
        found = subprocess.run(
            [*base, "-c", exists], env=environment, capture_output=True, text=True, check=True
        )
        if not found.stdout.strip():
            subprocess.run(
                [*base, "-c", f"CREATE DATABASE {DATABASE}"], env=environment, check=True
            )


# --- command line ------------------------------------------------------------------------------


def parse_settings(pairs):
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise PostgresError(f"--set {pair}: write it as name=value")
        settings[name] = value
    return settings


def command_start(args):
    server = Server(args.dir, args.port, args.fsync, parse_settings(args.set))
    server.start()
    print(json.dumps({"uri": server.uri, "port": server.port, "pid": server.pid}), flush=True)


def command_stop(args):
    server = Server(args.dir)
    if not server.directory.is_dir():
        raise PostgresError(
            f"{server.directory} does not exist: give the --dir that `start` was given"
        )
    if args.remove and not (server.directory / "server.json").exists():
        raise PostgresError(
            f"{server.directory} has no server.json: it is no directory of `start`, not removed"
        )
    pid = server.stop(kill=args.kill)
    if args.remove:
        shutil.rmtree(server.directory)
    print(json.dumps({"stopped": pid}), flush=True)


def main():
    top = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(
            "example:\n  postgres.py start --dir /tmp/pg --no-fsync\n  postgres.py stop --dir"
            " /tmp/pg --remove"
        ),
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    text = (
        "Start a server and print one JSON line with its connection URI. A directory used before"
        " keeps its data."
    )
    begin = commands.add_parser(
        "start",
        help=text,
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(
            'example:\n  postgres.py start --dir /tmp/pg --set max_wal_senders=20\n  {"uri":'
            ' "postgresql://penstock:...@127.0.0.1:40123/penstock", "port": 40123, "pid": 4711}'
        ),
    )
    begin.add_argument(
        "--dir", required=True, help="data and log of this server; made when missing"
    )
    begin.add_argument(
        "--port", type=int, default=0, help="0 chooses a free one, or the one used before in --dir"
    )
    begin.add_argument(
        "--fsync",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="--no-fsync is quicker, and loses data when the machine (not the server) crashes",
    )
    begin.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a server setting"
    )
    begin.set_defaults(action=command_start)

    text = "End the server of a directory by its pid and wait until it is gone."
    end = commands.add_parser(
        "stop",
        help=text,
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n  postgres.py stop --dir /tmp/pg --remove",
    )
    end.add_argument("--dir", required=True, help="the directory that `start` was given")
    end.add_argument("--kill", action="store_true", help="SIGKILL: no clean shutdown")
    end.add_argument("--remove", action="store_true", help="remove the directory afterwards")
    end.set_defaults(action=command_stop)

    args = top.parse_args()
    try:
        args.action(args)
    except (PostgresError, OSError, subprocess.CalledProcessError) as error:
        print(f"postgres.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
