"""Reading the URL and the key that a user gives, and saying what is wrong with them without showing either."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import urlsplit

from pydantic import SecretStr

_WHERE = "URL and key are found under Settings > Developer in ActiveCampaign."
_BASE_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+/?")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
_PLACEHOLDER = re.compile(
    r"[<>{}]|(^|\.)(your[-_]?(ac|account|company|domain|subdomain|site|host)[a-z_-]*|account|account[-_]?name|"
    r"subdomain|xxx+)\.|(^|\.)example\.(com|org|net)$",
    re.IGNORECASE,
)


def read_key(key: str | SecretStr | None) -> tuple[SecretStr, str]:
    """The key, and what is wrong with it: raising here would put the key into the traceback's frames."""
    if key is None:
        key = os.environ.get("ACTIVECAMPAIGN_API_KEY", "")
    text = (key.get_secret_value() if isinstance(key, SecretStr) else key).strip()
    if not text:
        return SecretStr(""), f"There is no API key: give key= or set ACTIVECAMPAIGN_API_KEY. {_WHERE}"
    if not all("!" <= mark <= "~" for mark in text):
        return SecretStr(""), f"The API key holds characters that no key has. Copy it again: {_WHERE}"
    return SecretStr(text), ""


def read_url(url: str | None) -> tuple[str, str, str]:
    """The API's base URL, its host, and what is wrong with it. A wrong URL may hold a secret, so it is never echoed."""
    url = (os.environ.get("ACTIVECAMPAIGN_URL", "") if url is None else url).strip()
    if not url:
        return "", "", f"There is no API URL: give url= or set ACTIVECAMPAIGN_URL. {_WHERE}"
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return "", "", f"The API URL is not a URL. {_WHERE}"
    if fault := _url_fault(url, parts.scheme, name, parts.path):
        return "", "", f"{fault} {_WHERE}"
    host = f"[{name}]" if ":" in name else name
    host += f":{port}" if port not in (None, 443 if parts.scheme == "https" else 80) else ""
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{host}{path}{'' if path.endswith('/api/3') else '/api/3'}", host, ""


def _url_fault(url: str, scheme: str, name: str, path: str) -> str:
    if _PLACEHOLDER.search(name):
        return "The API URL still has a placeholder where your account's name belongs."
    if any(mark in url for mark in "@?#\\") or re.search(r"\s", url):
        return "The API URL has a user, a query, a fragment or a space in it, which it must not."
    if scheme != "https" and not (scheme == "http" and _is_loopback(name)):
        return "The API URL must begin with https://, or the key could be read on the way."
    if not _HOST.fullmatch(name) or (path.strip("/") and not _BASE_PATH.fullmatch(path)):
        return "The API URL is not a URL."
    return ""


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
