# A server in the way of many: it answers with the release that it was started from, and tries for its port until it
# has it. `server.py PORT RELEASE_FILE [SECONDS]`: with SECONDS it ends by itself so long after its parent.
import http.server
import os
import sys
import time

port, release_file, *seconds = sys.argv[1:]
parent = os.getppid()
with open(release_file, "rb") as file:
    release = file.read()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(release)

    def log_message(self, *_):
        pass


def bound():
    while True:
        try:
            return http.server.HTTPServer(("127.0.0.1", int(port)), Handler)
        except OSError:
            time.sleep(0.05)


server = bound()
server.timeout = 0.05
ends_at = None
while ends_at is None or time.monotonic() < ends_at:
    server.handle_request()
    if seconds and ends_at is None and os.getppid() != parent:
        ends_at = time.monotonic() + float(seconds[0])
