"""A process that makes the calls of another one (`jobs`), which starts this file as a program.

It imports nothing of simlib before its first call: from the first moment on it ends with its
parent.
"""

import os
import pickle
import signal
import sys
import threading
import time


def serve() -> None:
    """Answer calls from standard input until it ends: (True, result) or (False, error in words).

    What calls print goes to standard error.
    """
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            sys.path[:], environment, folder, call = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            function, *arguments = pickle.loads(call)
            reply = pickle.dumps((True, function(*arguments)))
        except BaseException as error:  # sys.exit() as well: it is the call's, not the worker's
            reply = pickle.dumps((False, f"{type(error).__name__}: {error}"))
        replies.write(reply)
        replies.flush()


def end_with(parent: int, end=lambda: os._exit(1)) -> None:
    """End this process, whatever it does, once its parent is another one than it was."""
    while os.getppid() == parent:
        time.sleep(1)
    end()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's, which ends its workers
    threading.Thread(target=end_with, args=[int(sys.argv[1])], daemon=True).start()
    serve()
