"""Another process of this machine that makes calls for this one: `Worker` starts this file as a
program.

The program imports nothing of simlib before its first call: from the first moment on it ends with
its parent.
"""

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress

GRACE = 5  # seconds after which a process ends itself that its parent should have ended
IDLE: deque = deque()  # workers without a call: starting one takes seconds


class Ended(Exception):
    """A worker ended before it answered: how, in words."""


class Failed(Exception):
    """A call ended in an error: which, in words."""


class Worker:
    """A process that makes one call after the other, each as this process would make it."""

    def __init__(self):
        command = [sys.executable, "-P", __file__, str(os.getpid())]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.late = False

    def __call__(self, call: bytes, seconds: float | None = None) -> object:
        """The result of a call, a pickled tuple of a function and its arguments.

        Raises Failed for an error in it, and Ended where the process ends before, or is ended since
        it takes more than so many seconds.
        """
        timer = threading.Timer(seconds or 0, self._end_late)
        try:
            if seconds:
                timer.start()
            asked = (sys.path, dict(os.environ), os.getcwd(), seconds, call)
            pickle.dump(asked, self.process.stdin)
            self.process.stdin.flush()
            body, sizes = pickle.load(self.process.stdout)
            answered, outcome = pickle.loads(body, buffers=[self._bytes(size) for size in sizes])
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            how = self.end()
            raise Ended(f"after more than {seconds:.0f} s" if self.late else how) from error
        except BaseException:  # what the call gives would answer the next one
            self.end()
            raise
        finally:
            timer.cancel()
        if not answered:
            raise Failed(outcome)
        return outcome

    def _bytes(self, size: int) -> bytearray:
        """So many bytes of what it sends."""
        found = bytearray(size)
        if self.process.stdout.readinto(found) < size:
            raise EOFError
        return found

    def _end_late(self) -> None:
        self.late = True
        self.process.kill()

    def end(self) -> str:
        """End the process, if it hasn't; how it ended, in words."""
        self.process.kill()
        status = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()
        if status == -signal.SIGKILL:
            return "by SIGKILL, as when memory runs out"
        if status < 0:
            return f"by signal {-status} ({signal.strsignal(-status)})"
        return f"with exit status {status}"


def idle() -> Worker | None:
    """A worker without a call that is still alive; who takes it gives it back to `IDLE`."""
    with suppress(IndexError):
        while True:
            worker = IDLE.pop()
            if worker.process.poll() is None:
                return worker
            worker.end()
    return None


@atexit.register
def _end_all() -> None:
    while worker := idle():
        worker.end()


if hasattr(os, "register_at_fork"):  # a copy of this process has none of its own
    os.register_at_fork(after_in_child=IDLE.clear)


# -- The program


def serve() -> None:
    """Answer calls from standard input until it ends: (True, result) or (False, error in words).

    What calls print goes to standard error.
    """
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            sys.path[:], environment, folder, seconds, call = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        _alarm(seconds)
        buffers = []
        try:
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            function, *arguments = pickle.loads(call)
            reply = True, function(*arguments)
            body = pickle.dumps(reply, protocol=5, buffer_callback=buffers.append)
        except BaseException as error:  # sys.exit() as well: it is the call's, not the worker's
            buffers.clear()
            body = pickle.dumps((False, f"{type(error).__name__}: {error}"))
        _alarm(None)
        parts = [buffer.raw() for buffer in buffers]
        pickle.dump((body, [part.nbytes for part in parts]), replies)
        for part in parts:
            replies.write(part)
        replies.flush()


def _alarm(seconds: float | None) -> None:
    """End this process after so many seconds even in code that lets no other thread run, which then
    can't see that the parent is gone.
    """
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + GRACE if seconds else 0)


def end_with(parent: int, end=lambda: os._exit(1)) -> None:
    """End this process, whatever it does, once its parent is another one than it was."""
    while os.getppid() == parent:
        time.sleep(1)
    end()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's, which ends its workers
    threading.Thread(target=end_with, args=[int(sys.argv[1])], daemon=True).start()
    serve()
