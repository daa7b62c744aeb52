"""A mail server on a real socket: takes mails, or answers what the test says, or nothing at all."""

import asyncio
import contextlib
import email
import ssl
from collections.abc import AsyncIterator
from email.message import Message


class MailServer:
    """`refuse` has the answer to a command, such as {"RCPT": "550 no such user"}; with `hang` it greets nobody."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.refuse: dict[str, str] = {}
        self.hang = False
        self.logins: list[str] = []
        self.extensions: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if self.hang:
                await reader.read()
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := (await reader.readline()).decode().strip():
            command = line.split()[0].upper()
            if command in self.refuse:
                writer.write(f"{self.refuse[command]}\r\n".encode())
            elif command == "EHLO":
                names = ["mail.test", *self.extensions]
                answer = [f"250-{name}" for name in names[:-1]] + [f"250 {names[-1]}"]
                writer.write("".join(f"{one}\r\n" for one in answer).encode())
            elif command == "AUTH":
                self.logins.append(line)
                writer.write(b"235 welcome\r\n")
            elif command == "DATA":
                writer.write(b"354 go on\r\n")
                text = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(email.message_from_bytes(text[:-3].replace(b"\r\n..", b"\r\n.")))
                writer.write(b"250 taken\r\n")
            elif command == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 ok\r\n")


@contextlib.asynccontextmanager
async def mail_server(context: ssl.SSLContext | None = None) -> AsyncIterator[MailServer]:
    """Encrypted from the start with a context."""
    mail = MailServer()
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0, ssl=context)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()
