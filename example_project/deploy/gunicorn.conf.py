"""How gunicorn serves the site behind the gateway. WEB_CONCURRENCY says how many workers there are."""

import os

bind = "0.0.0.0:8000"  # Of a container, which only the gateway's network reaches.
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
# Requests wait for the database most of their time. Each thread keeps a connection of its own: workers x threads of
# them have to fit into what PostgreSQL allows, 100 as it comes.
worker_class = "gthread"
threads = 8
timeout = 30  # Of a worker that hangs as a whole. No request is ended by it: a thread has as long as it takes.
graceful_timeout = 20  # Less than the container's stop_grace_period.
# Longer than the gateway keeps its idle connections, or it would now and then write into one that we are closing.
keepalive = 75
# Memory that leaks in somebody's library ends with its worker; not of all workers at once.
max_requests = 20_000
max_requests_jitter = 2_000
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat: never on a disk that may be busy
control_socket_disable = True  # The root file system is read-only.
