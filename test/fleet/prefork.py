# A master with children in the way of gunicorn: it keeps its pid and its socket on HUP, forks children of the release that
# `current` now leads to, and lets the old ones answer what they have accepted. `prefork.py PORT CURRENT`: a release with
# a file `broken` makes the master end.
import os
import signal
import socket
import sys
import time

port, current = sys.argv[1:]
CHILDREN = 2

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(port)))
listener.listen(128)
# Two children may see the same connection: the one that comes too late must not wait for the next.
listener.settimeout(0.05)


def child():
    ending = []
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    os.chdir(os.path.realpath(current))
    with open("release", "rb") as file:
        release = file.read()
    while not ending:
        try:
            connection, _ = listener.accept()
        except OSError:
            continue
        with connection:
            connection.settimeout(5)
            try:
                connection.recv(65536)
                time.sleep(0.02)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(release)}\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode() + release)
            except OSError:
                pass
    os._exit(0)


def fork():
    pid = os.fork()
    if pid == 0:
        child()
    return pid


def end_all(*_):
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    sys.exit(0)


reloads = []
signal.signal(signal.SIGHUP, lambda *_: reloads.append(True))
signal.signal(signal.SIGTERM, end_all)
children = [fork() for _ in range(CHILDREN)]
while True:
    if reloads:
        reloads.clear()
        if os.path.exists(os.path.join(current, "broken")):
            sys.exit(3)
        old, children = children, [fork() for _ in range(CHILDREN)]
        for pid in old:
            os.kill(pid, signal.SIGTERM)
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        pass
    time.sleep(0.05)
