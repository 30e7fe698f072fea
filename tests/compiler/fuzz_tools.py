"""Processes that compile files within bounds of time and memory."""

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

WORKER = Path(__file__).with_name("fuzz_worker.py")
PATIENCE = 30  # seconds until a process that does not answer is taken for dead


class Worker:
    """A process that stays warm from file to file, and a thread that listens to it."""

    def __init__(self, folder):
        self.folder = folder
        self.start()

    def start(self):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, WORKER, self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._listen, args=(self.process, self.lines), daemon=True).start()

    @staticmethod
    def _listen(process, lines):
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    def run(self, task):
        """[task, damage, outcome, seconds, message] of a number or a path, whatever becomes of the process."""
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        try:
            line = self.lines.get(timeout=PATIENCE)
        except queue.Empty:
            self.process.kill()
            line = None
        if line is not None:
            return json.loads(line)
        self.process.wait()
        complaint = self.process.stderr.read()[-300:]
        result = [task, "", f"the process ended with {self.process.returncode}: {complaint}", 0.0, ""]
        self.stop()
        self.start()
        return result

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()


def fuzz(folder, numbers, workers=2):
    """The results of many files, shared out among processes."""
    results, numbers = [], iter(numbers)
    lock = threading.Lock()

    def work():
        worker = Worker(folder)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            results.append(worker.run(number))
        worker.stop()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
