"""Runs Python from standard input, where `await` may stand outside of functions, as in a notebook. Names with their
values may be given as JSON: `python document_python.py '{"cron_id": "…"}'`."""

import ast
import asyncio
import inspect
import json
import sys
from typing import Any


def main() -> None:
    names: dict[str, Any] = json.loads(sys.argv[1])
    code = compile(sys.stdin.read(), "<document>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result: Any = eval(code, names)  # noqa: S307  that is what it is for
    if inspect.isawaitable(result):
        asyncio.run(_done(result))


async def _done(result: Any) -> None:
    await result


if __name__ == "__main__":
    main()
