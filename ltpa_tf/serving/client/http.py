"""HTTP as both protocols need it: retries, and each way to fail by its exception."""

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import requests
import urllib3

from ltpa_tf.serving.client.transport import (
    BACKOFF,
    NotServed,
    RequestRefused,
    ServerFailed,
    ServerUnreachable,
)
from ltpa_tf.serving.sentences import sentence

_KEPT = 64  # connections between requests, of threads that share a client


class HttpConnection:
    """A connection over HTTP.

    Args:
        url: Of the server. Proxies, certificates and passwords for it are those that
            the environment and netrc name now.
        timeout: Seconds that one try may take.
        retries: How often a request is tried again.
    """

    def __init__(self, url: str, timeout: float, retries: int):
        policy = urllib3.Retry(
            retries,
            backoff_factor=BACKOFF,
            status_forcelist=(429, 502, 503, 504),
            allowed_methods=None,  # POST too: asking twice changes nothing
            raise_on_status=False,
        )
        # A requests.Session finds all this anew for each request, and takes twice the
        # time of one.
        options = {"retries": policy, "timeout": timeout, "maxsize": _KEPT}
        options |= _authorities()
        proxies = requests.utils.get_environ_proxies(url)
        if proxy := requests.utils.select_proxy(url, proxies):
            known = urllib3.make_headers(proxy_basic_auth=_password_in(proxy))
            self._pool = urllib3.ProxyManager(proxy, proxy_headers=known, **options)
        else:
            self._pool = urllib3.PoolManager(**options)
        known = ":".join(requests.utils.get_netrc_auth(url) or ())
        self._headers = {
            "Content-Type": "application/json",
            **urllib3.make_headers(basic_auth=_password_in(url) or known or None),
        }

    def send(
        self,
        method: str,
        url: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """The server's answer, of status 200.

        Raises:
            ServingError: If it is another one, or none.
        """
        headers = {**self._headers, **(headers or {})}
        try:
            response = self._pool.request(method, url, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            why = getattr(error, "reason", None) or error  # of the last try
            raise ServerUnreachable(f"{url}: {why}") from error
        if response.status < 400:
            return response
        try:
            said = json.loads(response.data)["error"]
        except (ValueError, KeyError, TypeError):
            said = _text(response)
        text = f"{url}: {sentence(str(said))}"
        if response.status == 404:
            raise NotServed(text)
        if 400 <= response.status < 500 and response.status != 429:
            raise RequestRefused(text)
        raise ServerFailed(text)

    def json(
        self,
        method: str,
        url: str,
        body: str | bytes | None = None,
        *,
        keys: Collection[str] = (),
    ) -> dict[str, Any]:
        """The JSON object of the server's answer, with at least these keys.

        Raises:
            ServingError: If it is none, or as `send` does.
        """
        response = self.send(method, url, body)
        try:
            content = json.loads(response.data)
        except ValueError:
            content = None
        if not isinstance(content, dict) or not content or set(keys) - set(content):
            raise ServerFailed(f"{url}: {sentence(_text(response))}")
        return content

    def close(self) -> None:
        """Closes the connection."""
        self._pool.clear()


def _password_in(url: str) -> str | None:
    """`name:password` of an address that has them."""
    found = ":".join(requests.utils.get_auth_from_url(url))
    return None if found == ":" else found


def _authorities() -> dict[str, str]:
    """Where the certificates are that servers are trusted by."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if place := os.environ.get(name):
            return {"ca_cert_dir" if Path(place).is_dir() else "ca_certs": place}
    return {"ca_certs": requests.certs.where()}


def _text(response: urllib3.BaseHTTPResponse) -> str:
    return response.data.decode(errors="replace") or response.reason or ""
