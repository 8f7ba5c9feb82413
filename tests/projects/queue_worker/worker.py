"""Works off a queue, and looks after it twice a second."""

import logging
import queue
import signal
import sys
import threading

import jobs
import schedule

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
stopping = threading.Event()
tasks = queue.Queue()


def stop(signum, frame):
    logging.info("stopping")
    stopping.set()


def work():
    while (task := tasks.get()) is not None:
        logging.info("%s gives %s", task, jobs.run(task))
        tasks.task_done()


def main():
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    worker = threading.Thread(target=work)
    worker.start()
    schedule.every(0.5).seconds.do(tasks.put, "count")
    tasks.put("first")
    tasks.join()
    print("ready", flush=True)
    while not stopping.wait(0.1):
        schedule.run_pending()
    tasks.put(None)
    worker.join()
    print("done", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
