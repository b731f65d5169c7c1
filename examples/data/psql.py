"""Runs psql for the programs in examples/.

The password of a URI travels in the environment, where `ps` does not show it.
"""

import os
import shutil
import subprocess
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

URI_SCHEMES = ("postgresql://", "postgres://")

# Values as text that every server prints alike.
SETTINGS = (
    "SET client_encoding = 'UTF8'; SET datestyle = 'ISO'; SET intervalstyle = 'iso_8601'; SET"
    " timezone = 'UTC'; SET extra_float_digits = 1; SET bytea_output = 'hex';"
)


class PsqlError(Exception):
    """A failure whose text says what to do about it."""


def is_uri(text):
    return text.startswith(URI_SCHEMES)


def quote_name(name):
    return '"' + name.replace('"', '""') + '"'


def quote_text(text):
    if "\\" in text:
        return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return "'" + text.replace("'", "''") + "'"


def invocation(uri):
    """The command line of psql for `uri`, and its environment."""
    if not shutil.which("psql"):
        raise PsqlError(
            "psql is not installed: apt-get install --no-install-recommends postgresql-client"
        )
    parts = urlsplit(uri)
    login, at, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    environment = os.environ | {"PGCONNECT_TIMEOUT": os.environ.get("PGCONNECT_TIMEOUT", "10")}
    if password:
        environment["PGPASSWORD"] = unquote(password)
    clean = parts._replace(netloc=user + at + hosts).geturl()
    return ["psql", "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-d", clean], environment


def query(uri, sql):
    """What one statement prints."""
    command, environment = invocation(uri)
    done = subprocess.run(
        [*command, "-c", sql], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PsqlError(f"psql: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def copy_out(uri, select):
    """The rows of `select` as lines of COPY's text format, as they arrive."""
    command, environment = invocation(uri)
    command += ["-c", SETTINGS, "-c", f"COPY ({select}) TO STDOUT"]
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:
        yield process.stdout
        process.stdout.read()
        error = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise PsqlError(f"psql: {error}")


@contextmanager
def script(uri):
    """A pipe into one psql session. Leaving the context waits for it; an error in it is raised."""
    command, environment = invocation(uri)
    with subprocess.Popen(
        [*command, "-f", "-"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process.stdin
            process.stdin.close()
        except BrokenPipeError:
            pass  # psql ended early, and says why below
        except BaseException:
            # What came in so far is no whole script; without its COMMIT nothing of it stays.
            process.kill()
            raise
        error = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise PsqlError(f"psql: {error}")
