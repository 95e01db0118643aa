from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from application_sdk.monitoring.cli import remote
from application_sdk.monitoring.exporters.object_store import store_at

BUCKET = "profiles-of-tests"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A real S3-compatible server, with an empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_REGION": "us-east-1",
    }.items():
        patch.setenv(name, value)
    request = urllib.request.Request(f"http://{host}:{port}/{BUCKET}", method="PUT")
    urllib.request.urlopen(request).close()  # noqa: S310
    store_at.cache_clear()
    remote._store.cache_clear()
    yield f"s3://{BUCKET}/team"
    patch.undo()
    server.stop()
