"""The configuration of the demo's gunicorn."""

import os
import signal
import threading
from typing import Any

bind = f"fd://{os.environ['LISTENER']}"
workers = 2
worker_class = "gthread"
threads = 8
graceful_timeout = 2
loglevel = "warning"
control_socket_disable = True  # It would create a file in the home directory.


def on_starting(_arbiter: Any) -> None:
    """Stop when standard input ends. It is a pipe from the demo, and ends with it, even after SIGKILL."""

    def watch() -> None:
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
