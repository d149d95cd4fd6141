"""Serves a folder over HTTP on the loopback: ``images.py start|stop FOLDER``; the port is in FOLDER/port."""

from __future__ import annotations

import functools
import http.server
import os
import pathlib
import signal
import subprocess
import sys
import time


def serve(folder: pathlib.Path) -> None:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        (folder / "port.new").write_text(str(server.server_address[1]), encoding="ascii")
        (folder / "port.new").rename(folder / "port")
        server.serve_forever()


def start(folder: pathlib.Path) -> None:
    (folder / "www").mkdir(parents=True, exist_ok=True)
    (folder / "www" / "cloud.img").write_bytes(b"QFI\xfb" + bytes(200_000))
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, __file__, "serve", str(folder)], stdout=log, stderr=log, start_new_session=True
        )
    (folder / "pid").write_text(str(process.pid), encoding="ascii")
    deadline = time.monotonic() + 20
    while not (folder / "port").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the file server did not start: {(folder / 'log').read_text(encoding='utf-8')[-500:]}")
        time.sleep(0.05)


def stop(folder: pathlib.Path) -> None:
    os.kill(int((folder / "pid").read_text(encoding="ascii")), signal.SIGTERM)
    (folder / "pid").unlink()
    (folder / "port").unlink()


if __name__ == "__main__":
    {"start": start, "stop": stop, "serve": serve}[sys.argv[1]](pathlib.Path(sys.argv[2]))
