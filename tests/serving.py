"""A server that runs beside a test."""

import contextlib
import threading


@contextlib.contextmanager
def serving(server):
    """Let a server answer in a thread of its own until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
