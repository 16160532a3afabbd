"""Hostile image addresses: every one is refused, and no connection to a private place is opened.

The network is a fake: names come from a table, and every address that is dialled is written down
and leads to a server on this machine, so that a hole would be seen and nothing leaves the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest

from indexer.errors import PhotoNotFetched
from indexer.remote.addresses import AddressPolicy, is_public
from tests.network import PUBLIC, Answer, LocalNetwork, Names, PhotoServer, http_photos

SECRET = Answer(b"the metadata service's credentials")

NAMES = Names(
    {
        "shop.example": [PUBLIC],
        "localhost": ["127.0.0.1", "::1"],
        "localhost.": ["127.0.0.1"],
        "intranet.example": ["10.0.0.7"],
        "both.example": [PUBLIC, "192.168.1.1"],
        "both-other-way.example": ["192.168.1.1", PUBLIC],
        "six.example": ["::1"],
        "mapped.example": ["::ffff:127.0.0.1"],
        "local-link.example": ["fe80::1%eth0"],
        "metadata.google.internal": ["169.254.169.254"],
    }
)

REFUSED_AT_ONCE = [
    # Addresses of this machine and of private networks.
    "http://127.0.0.1/",
    "http://127.8.9.10:8080/a.jpg",
    "http://10.1.2.3/a.jpg",
    "http://172.16.0.1/a.jpg",
    "http://192.168.0.1/a.jpg",
    "http://0.0.0.0/a.jpg",
    "http://100.64.0.1/a.jpg",
    "http://169.254.1.1/a.jpg",
    "http://198.18.0.1/a.jpg",
    "http://224.0.0.1/a.jpg",
    "http://255.255.255.255/a.jpg",
    # Metadata services of clouds.
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/metadata",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    # IPv6, and IPv4 inside it.
    "http://[::1]/a.jpg",
    "http://[::]/a.jpg",
    "http://[fe80::1]/a.jpg",
    "http://[fe80::1%25eth0]/a.jpg",
    "http://[fc00::1]/a.jpg",
    "http://[fec0::1]/a.jpg",
    "http://[ff02::1]/a.jpg",
    "http://[::ffff:127.0.0.1]/a.jpg",
    "http://[::ffff:7f00:1]/a.jpg",
    "http://[::127.0.0.1]/a.jpg",
    "http://[64:ff9b::7f00:1]/a.jpg",
    "http://[2002:7f00:1::]/a.jpg",
    "http://[2001:0:7f00:1::1]/a.jpg",
    # Other ways to write 127.0.0.1.
    "http://0177.0.0.1/a.jpg",
    "http://0x7f.0.0.1/a.jpg",
    "http://0x7f000001/a.jpg",
    "http://2130706433/a.jpg",
    "http://127.1/a.jpg",
    "http://127.0.0.1./a.jpg",
    "http://１２７.０.０.１/a.jpg",
    "http://127。0。0。1/a.jpg",
    # Names that lead there, alone or beside a public address.
    "http://localhost/a.jpg",
    "http://LOCALHOST./a.jpg",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/a.jpg",
    "http://intranet.example/a.jpg",
    "http://both.example/a.jpg",
    "http://both-other-way.example/a.jpg",
    "http://six.example/a.jpg",
    "http://mapped.example/a.jpg",
    "http://local-link.example/a.jpg",
    # Addresses that two readers take apart differently.
    "http://shop.example@127.0.0.1/a.jpg",
    "http://127.0.0.1\\@shop.example/a.jpg",
    "http://shop.example:80@127.0.0.1/a.jpg",
    "http://127.0.0.1\t.shop.example/a.jpg",
    "http://shop.example\r\nHost: 127.0.0.1/a.jpg",
    "http://127.0.0.1%2f@shop.example/",
    "http://shop.example:0/a.jpg",
    "http://shop.example:99999/a.jpg",
    "http://[::1/a.jpg",
    "http:///a.jpg",
    "http://.../a.jpg",
    # Other schemes.
    "file:///etc/passwd",
    "ftp://shop.example/a.jpg",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "HTTP+UNIX://%2Fvar%2Frun%2Fdocker.sock/",
]


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with PhotoServer().running() as running:
        running.answers["/a.jpg"] = SECRET
        yield running


@pytest.mark.parametrize("url", REFUSED_AT_ONCE)
def test_hostile_address_is_refused_before_anything_is_dialled(
    server: PhotoServer, url: str
) -> None:
    network = LocalNetwork(server)
    with http_photos(network, NAMES) as photos, pytest.raises(PhotoNotFetched) as caught:
        photos.fetch(url)
    assert network.dialled == []
    assert server.asked == []
    assert "\n" not in str(caught.value)


# What a header can hold; a redirect without a host stays on the host it comes from.
REDIRECTS = [
    url for url in REFUSED_AT_ONCE if url.isascii() and url.isprintable() and url != "http:///a.jpg"
]


@pytest.mark.parametrize("target", REDIRECTS)
def test_redirect_to_a_hostile_address_is_refused(server: PhotoServer, target: str) -> None:
    server.answers["/start.jpg"] = Answer(status=302, headers={"Location": target})
    network = LocalNetwork(server)
    with http_photos(network, NAMES) as photos, pytest.raises(PhotoNotFetched):
        photos.fetch("http://shop.example/start.jpg")
    assert set(network.dialled) == {PUBLIC}
    assert server.paths() == ["/start.jpg"]


@pytest.mark.parametrize("target", ["//127.0.0.1/a.jpg", "///127.0.0.1/a.jpg", "\\\\127.0.0.1\\a"])
def test_redirect_without_a_scheme_cannot_leave_either(server: PhotoServer, target: str) -> None:
    server.answers["/start.jpg"] = Answer(status=307, headers={"Location": target})
    network = LocalNetwork(server)
    with http_photos(network, NAMES) as photos, pytest.raises(PhotoNotFetched):
        photos.fetch("http://shop.example/start.jpg")
    assert set(network.dialled) <= {PUBLIC}


def test_name_that_changes_its_address_after_the_check_gains_nothing(server: PhotoServer) -> None:
    names = Names({"rebinds.example": [[PUBLIC], ["127.0.0.1"]]})
    server.answers["/a.jpg"] = [Answer(status=503, length=None), SECRET]
    network = LocalNetwork(server)
    with http_photos(network, names) as photos, pytest.raises(PhotoNotFetched, match="not public"):
        photos.fetch("http://rebinds.example/a.jpg")
    # What was checked is what was dialled; the second try looked the name up again and was refused.
    assert network.dialled == [PUBLIC]
    assert names.looked_up == ["rebinds.example", "rebinds.example"]


def test_network_that_is_allowed_opens_no_other(server: PhotoServer) -> None:
    policy = AddressPolicy((ip_network("10.0.0.0/8"),))
    network = LocalNetwork(server)
    with http_photos(network, NAMES, policy=policy) as photos:
        assert photos.fetch("http://intranet.example/a.jpg") is not None
        for url in ("http://127.0.0.1/a.jpg", "http://[::ffff:10.0.0.7]/a.jpg"):
            with pytest.raises(PhotoNotFetched):
                photos.fetch(url)
    assert network.dialled == ["10.0.0.7"]


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "1.1.1.1"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))
