"""`python -m graphcron` is the same command as `graphcron`."""

from graphcron.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
