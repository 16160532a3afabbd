"""Which addresses of the network a photo may come from.

Public ones, and those that the operator names. What Python calls global is not enough: it holds
multicast, and addresses that carry another one inside them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# A gateway of the provider that an IPv6-only network reaches IPv4 through (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# 6to4 and Teredo lead to the IPv4 address inside them; nobody serves photos there.
_TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))
# Public by number, and yet the host's own: Azure's instance metadata and DHCP.
_OF_THE_HOST = frozenset((ipaddress.IPv4Address("168.63.129.16"),))


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """``allowed``: networks beside the public ones."""

    allowed: Sequence[Network] = ()

    def allows(self, address: Address) -> bool:
        """Whether a connection to this address may be opened."""
        return is_public(address) or any(address in network for network in self.allowed)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public network and to one host of it."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if (
            address.ipv4_mapped is not None
            or address.is_site_local
            or any(address in network for network in _TUNNELS)
        ):
            return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address in _OF_THE_HOST
    )
