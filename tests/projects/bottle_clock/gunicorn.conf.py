import socket

# Stands in for a daemon that collects metrics.
collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
collector.bind(("127.0.0.1", 0))
collector.setblocking(False)

worker_class = "gthread"
threads = 3
keepalive = 5
statsd_host = f"127.0.0.1:{collector.getsockname()[1]}"
statsd_prefix = "clock"


def post_fork(server, worker):
    import bottle_clock

    bottle_clock.forked_by = "post_fork of gunicorn.conf.py"
    bottle_clock.settings = {"worker": worker.cfg.worker_class_str, "threads": worker.cfg.threads}
    bottle_clock.collector = collector
