"""An embedded ActiveCampaign account: for trying things out, for tests, and for demonstrations."""

from ac_tools.sandbox._clock import Clock
from ac_tools.sandbox._sandbox import Received, Sandbox
from ac_tools.sandbox._server import Server, serve
from ac_tools.sandbox._settings import Settings
from ac_tools.sandbox._wire import Answer

__all__ = ["Answer", "Clock", "Received", "Sandbox", "Server", "Settings", "serve"]
