"""The configuration of gunicorn behind the gateway. WEB_CONCURRENCY is the number of workers."""

import os

bind = "0.0.0.0:8000"  # Inside the container; only the gateway's network reaches it.
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
# Requests wait for the database most of their time. Each thread keeps a connection, so workers x threads must not
# exceed the connections that PostgreSQL allows, 100 by default.
worker_class = "gthread"
threads = 8
timeout = 30  # For a worker that hangs as a whole. It ends no single request: a thread may take longer.
graceful_timeout = 20  # Less than the container's stop_grace_period.
# Longer than the gateway keeps idle connections; otherwise it would sometimes write into a closing one.
keepalive = 75
# A restart frees memory that a library leaks; the jitter keeps all workers from restarting at once.
max_requests = 20_000
max_requests_jitter = 2_000
worker_tmp_dir = "/dev/shm"  # noqa: S108 - for the heartbeat: not on a disk that may be busy
control_socket_disable = True  # The root file system is read-only.
