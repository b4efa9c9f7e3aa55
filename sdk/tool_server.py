"""A real MCP server of the official SDK, for test_mcp.py: its first argument is the port (0 takes a free one), the second what it
says of `read_tag`, the third how it answers (`json` or `events`). It prints its address and ends with its standard input."""

import logging
import os
import socket
import sys
import threading

import uvicorn
from mcp.server.mcpserver import MCPServer

port, description, form = int(sys.argv[1]), sys.argv[2], sys.argv[3]
server = MCPServer("historian", instructions="Values of the plant.")
seen = []


@server.tool(description=description)
def read_tag(tag: str) -> str:
    seen.append(tag)
    return f"{tag} is at 180 degrees"


@server.tool(description="Writes a value.")
def write_tag(tag: str, value: float) -> str:
    seen.append(f"{tag}={value}")
    return "written"


@server.tool(description="Says what was asked so far.")
def asked() -> str:
    return " ".join(seen) or "nothing"


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen(64)
app = server.streamable_http_app(json_response=form == "json")
logging.disable()


def leash():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=leash, daemon=True).start()
print("%s:%d" % listener.getsockname(), flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listener])
