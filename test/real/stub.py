#!/usr/bin/python3 -IS
"""Stands in for what public supervisord configurations run.

    stub.py KIND [KEY=VALUE ...]

It knows its own name from supervisord (SUPERVISOR_PROCESS_NAME) and its host's folder from FLEET_HOST_DIR.
While HOST/broken/NAME exists it fails at its start, with that file's text on stderr, or on stdout with errors=stdout;
exit=N is then its exit code. Each start and end is a line of HOST/ledger, for daemons whose own log is silent.
Durations are seconds.
"""
import os
import signal
import socket
import subprocess
import sys
import time

KIND = sys.argv[1]
OPTIONS = dict(word.split("=", 1) for word in sys.argv[2:] if "=" in word)
HOST = os.environ["FLEET_HOST_DIR"]
NAME = OPTIONS.get("name") or os.environ.get("SUPERVISOR_PROCESS_NAME", KIND)
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
asked_to_stop = []


def seconds(key, default):
    return float(OPTIONS.get(key, default))


def say(text, stream=sys.stdout):
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        # Behind pidproxy nobody reads any more once that has ended.
        sys.stdout = sys.stderr = open(os.devnull, "w")


def note(what):
    with open(HOST + "/ledger", "a") as ledger:
        ledger.write(f"{time.time():.3f} {what} {NAME} {os.getpid()}\n")


def end(code=0):
    note("stopped" if asked_to_stop else "ended")
    os._exit(code)


def fail_if_broken():
    try:
        with open(f"{HOST}/broken/{NAME}") as broken:
            text = broken.read()
    except FileNotFoundError:
        return
    stream = sys.stdout if OPTIONS.get("errors") == "stdout" else sys.stderr
    for line in text.splitlines():
        say(f"\x1b[37;41m  {line}  \x1b[0m" if "colour" in OPTIONS else line, stream)
    end(int(OPTIONS.get("exit", 1)))


def heed_stops():
    for each in STOPS:
        signal.signal(each, lambda number, _: asked_to_stop.append(number))


def rest(duration):
    """Until asked to stop, or until the duration is over."""
    until = time.monotonic() + duration
    while not asked_to_stop and time.monotonic() < until:
        time.sleep(min(0.1, max(0.0, until - time.monotonic())))


def listening_socket():
    """Patient: behind a shell the process before may still be on its way out."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for patience in range(50, -1, -1):
        try:
            listener.bind((OPTIONS["address"], int(OPTIONS["port"])))
            break
        except OSError:
            if patience == 0:
                raise
            time.sleep(0.1)
    listener.listen(16)
    return listener


def answer(listener, still):
    listener.settimeout(0.2)
    while still():
        try:
            client, _ = listener.accept()
        except OSError:
            continue
        with client:
            client.recv(4096)
            client.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")


def run():
    """A process that does its work until it is asked to stop, or ends by itself after its life."""
    heed_stops()
    if "pidfile" in OPTIONS:
        with open(OPTIONS["pidfile"], "w") as pidfile:
            pidfile.write(str(os.getpid()))
    say(f"{NAME} started")
    rest(seconds("life", 10**9))
    if not asked_to_stop:
        say(f"{NAME} has done its share")
        end(int(OPTIONS.get("code", 0)))
    time.sleep(seconds("drain", 0))
    say(f"{NAME} stopped")
    end()


def serve():
    """One process that serves http, from `warm` after its start on."""
    heed_stops()
    time.sleep(seconds("warm", 0))
    listener = listening_socket()
    say(f"{NAME} serves {OPTIONS['port']}")
    answer(listener, lambda: not asked_to_stop)
    time.sleep(seconds("drain", 0))
    end()


def serve_inherited():
    """A [fcgi-program]: supervisord holds the socket, which is this process's stdin."""
    heed_stops()
    listener = socket.socket(fileno=0)
    say(f"{NAME} serves the socket of supervisord")
    answer(listener, lambda: not asked_to_stop)
    end()


def prefork():
    """A master with children that serve, if there is a port. It drains when stopped by the signal `graceful`."""
    listener = listening_socket() if "port" in OPTIONS else None
    master = os.getpid()
    children = []
    for _ in range(int(OPTIONS.get("children", 2))):
        child = os.fork()
        if child == 0:
            # Whoever signals the group leaves its end to the master, but for a TERM.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if listener is not None:
                answer(listener, lambda: os.getppid() == master)
            while os.getppid() == master:
                time.sleep(0.2)
            os._exit(0)
        children.append(child)
    heed_stops()
    say(f"{NAME} has {len(children)} children")
    rest(10**9)
    if asked_to_stop[0] == getattr(signal, "SIG" + OPTIONS.get("graceful", "TERM")):
        time.sleep(seconds("drain", 0))
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except OSError:
            pass
    end()


def once():
    """A migration: it works for `takes`, then ends with `code`."""
    say(f"{NAME} begins")
    time.sleep(seconds("takes", 1))
    say(f"{NAME} done")
    end(int(OPTIONS.get("code", 0)))


def needs():
    """A client of `program`, which dies when that does."""
    heed_stops()
    server = int(supervisorctl("pid", OPTIONS["program"]))
    say(f"{NAME} connected to {server}")
    while not asked_to_stop and os.path.exists(f"/proc/{server}"):
        time.sleep(0.1)
    if asked_to_stop:
        end()
    say(f"{NAME}: connection broken (explicit kill or server shutdown)", sys.stderr)
    end(1)


def start_others():
    """A set-up script of a container: it starts what is configured, then watches a log for ever."""
    heed_stops()
    for program in OPTIONS["programs"].split(","):
        supervisorctl("start", program)
    say(f"{NAME} is done with the set-up")
    rest(10**9)
    end()


def events():
    """Speaks the protocol of event listeners: yields (event, payload's first line)."""
    while True:
        say("READY")
        line = sys.stdin.readline()
        if not line:
            end()
        head = dict(word.split(":", 1) for word in line.split())
        payload = sys.stdin.read(int(head["len"]))
        yield head["eventname"], dict(word.split(":", 1) for word in payload.split("\n", 1)[0].split() if ":" in word)
        sys.stdout.write("RESULT 2\nOK")
        sys.stdout.flush()


def listen():
    """An event listener. `ends_on=EVENT,…`: it ends its supervisord then; `critical=PROGRAM,…` narrows that."""
    ends_on = [each for each in OPTIONS.get("ends_on", "").split(",") if each]
    critical = OPTIONS.get("critical", "").split(",")
    for event, about in events():
        if event not in ends_on:
            continue
        if critical != [""] and (about.get("processname") not in critical or about.get("expected") == "1"):
            continue
        os.kill(os.getppid(), getattr(signal, "SIG" + OPTIONS.get("signal", "TERM")))


def start_in_order():
    """A dependent-startup listener: order=a,b:a:RUNNING,c:b:EXITED starts a at once, b when a is RUNNING, and so on."""
    waiting = [tuple(each.split(":")) for each in OPTIONS["order"].split(",")]
    happened = set()

    def start_what_may():
        for entry in list(waiting):
            if len(entry) == 1 or entry[1:] in happened:
                waiting.remove(entry)
                subprocess.Popen(["supervisorctl", "-c", HOST + "/supervisord.conf", "start", entry[0]], stdout=subprocess.DEVNULL)

    start_what_may()
    for event, about in events():
        happened.add((about.get("processname"), event.replace("PROCESS_STATE_", "")))
        start_what_may()


def supervisorctl(*words):
    command = ["supervisorctl", "-c", HOST + "/supervisord.conf", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


note("started")
fail_if_broken()
{
    "run": run,
    "serve": serve,
    "serve-inherited": serve_inherited,
    "prefork": prefork,
    "once": once,
    "needs": needs,
    "start-others": start_others,
    "listen": listen,
    "start-in-order": start_in_order,
}[KIND]()
