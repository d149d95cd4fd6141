"""Serves the folder ``FOLDER/www`` over HTTP on the loopback: ``images.py FOLDER``; the port is in FOLDER/port."""

from __future__ import annotations

import functools
import http.server
import pathlib
import sys


def serve(folder: pathlib.Path) -> None:
    (folder / "www").mkdir(parents=True, exist_ok=True)
    (folder / "www" / "cloud.img").write_bytes(b"QFI\xfb" + bytes(200_000))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        (folder / "port.new").write_text(str(server.server_address[1]), encoding="ascii")
        (folder / "port.new").rename(folder / "port")
        server.serve_forever()


if __name__ == "__main__":
    serve(pathlib.Path(sys.argv[1]))
