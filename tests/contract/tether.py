"""Runs a program in a fresh folder for as long as its standard input is open, then removes both.

Whoever started it need not be able to clean up: the kernel closes the pipe of a killed process too. Standard library
only, since other environments run it.
"""

import os
import subprocess
import sys
import tempfile
import threading


def main(command: list[str]) -> int:
    """The exit code of the program; 0 when it was ended because nobody holds the other end any more."""
    with tempfile.TemporaryDirectory(prefix="graphcron-contract-") as folder:
        program = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL)
        let_go = threading.Event()

        def watch() -> None:
            while os.read(sys.stdin.fileno(), 1024):  # unbuffered: a buffer's lock would outlive the program
                pass
            let_go.set()
            program.terminate()
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                program.kill()

        threading.Thread(target=watch, daemon=True).start()
        code = program.wait()
        return 0 if let_go.is_set() else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
