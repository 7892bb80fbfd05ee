"""HTTP as both protocols need it: retries, and each way to fail by its exception."""

from collections.abc import Mapping
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ltpa_tf.serving.client.transport import (
    BACKOFF,
    NotServed,
    RequestRefused,
    ServerFailed,
    ServerUnreachable,
)
from ltpa_tf.serving.sentences import sentence


class HttpConnection:
    """A connection over HTTP.

    Args:
        url: Of the server. Proxies, certificates and passwords for it are those that
            the environment and netrc name now.
        timeout: Seconds that one try may take.
        retries: How often a request is tried again.
    """

    def __init__(self, url: str, timeout: float, retries: int):
        self._timeout = timeout
        self._session = session = requests.Session()
        # Once, not for each request: reading the environment took a third of its time.
        found = session.merge_environment_settings(url, {}, None, None, None)
        session.proxies, session.verify = found["proxies"], found["verify"]
        session.auth = requests.utils.get_netrc_auth(url)
        session.trust_env = False
        policy = urllib3.Retry(
            retries,
            backoff_factor=BACKOFF,
            status_forcelist=(429, 502, 503, 504),
            allowed_methods=None,  # POST too: asking twice changes nothing
            raise_on_status=False,
        )
        self._session.mount("http://", HTTPAdapter(max_retries=policy))
        self._session.mount("https://", HTTPAdapter(max_retries=policy))

    def send(
        self,
        method: str,
        url: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The server's answer, of status 200.

        Raises:
            ServingError: If it is another one, or none.
        """
        headers = {"Content-Type": "application/json", **(headers or {})}
        try:
            response = self._session.request(
                method, url, data=body, headers=headers, timeout=self._timeout
            )
        except requests.RequestException as error:
            raise ServerUnreachable(f"{url}: {error}") from error
        if response.ok:
            return response
        try:
            said = response.json()["error"]
        except (ValueError, KeyError, TypeError):
            said = response.text or response.reason
        text = f"{url}: {sentence(str(said))}"
        if response.status_code == 404:
            raise NotServed(text)
        if 400 <= response.status_code < 500 and response.status_code != 429:
            raise RequestRefused(text)
        raise ServerFailed(text)

    def json(
        self, method: str, url: str, body: str | bytes | None = None
    ) -> dict[str, Any]:
        """The JSON object of the server's answer.

        Raises:
            ServingError: If it is none, or as `send` does.
        """
        response = self.send(method, url, body)
        try:
            content = response.json()
        except ValueError:
            content = None
        if not isinstance(content, dict) or not content:
            raise ServerFailed(f"{url}: {sentence(response.text or response.reason)}")
        return content

    def close(self) -> None:
        """Closes the connection."""
        self._session.close()
