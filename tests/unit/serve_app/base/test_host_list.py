from __future__ import annotations

import ipaddress

import pytest

from serve_app.base.host_list import HostList, embedded, is_public

INSIDE = [
    *[
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
    ],
    *["168.63.129.16", "::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"],
]
OUTSIDE = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_connected_to_only_where_it_is_listed(address: str) -> None:
    found = ipaddress.ip_address(address)
    assert not is_public(found)
    assert not HostList(["hooks.example.com", "*.example.com"]).may_connect(found, 80)
    hosts = HostList([str(embedded(found))])
    assert hosts.may_connect(found, 80) and hosts.has(address, 80)


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_needs_no_entry_but_to_be_named_itself(address: str) -> None:
    found = ipaddress.ip_address(address)
    assert is_public(found)
    assert HostList(["hooks.example.com"]).may_connect(found, 80) and not HostList(["hooks.example.com"]).has(address, 80)


def test_which_names_are_listed() -> None:
    hosts = HostList(["Hooks.Example.com", "*.corp.example", "other.example:8443"])
    assert hosts.has("hooks.example.com", 80) and hosts.has("hooks.example.com", 9999)
    assert hosts.has("a.corp.example", 443) and hosts.has("b.a.corp.example", 443)
    assert hosts.has("other.example", 8443) and not hosts.has("other.example", 443)
    for name in ("example.com", "x.hooks.example.com", "corp.example", "evilcorp.example", "hooks.example.com.evil.example", "2130706433"):
        assert not hosts.has(name, 443), name
    assert not HostList([]).has("hooks.example.com", 443) and not HostList([]) and hosts


def test_networks_and_ports_of_addresses() -> None:
    hosts = HostList(["10.20.0.0/16", "127.0.0.1:9000", "[fd00::7]:8080", "fd01::/16"])
    assert hosts.has("10.20.3.4", 80) and hosts.has("::ffff:10.20.3.4", 80) and not hosts.has("10.21.0.1", 80)
    assert hosts.has("127.0.0.1", 9000) and not hosts.may_connect(ipaddress.ip_address("127.0.0.1"), 9001)
    assert hosts.has("fd00::7", 8080) and not hosts.has("fd00::7", 80) and hosts.has("fd01::1", 1)


@pytest.mark.parametrize(
    "entry",
    ["http://a.example", "a.example/x", "*", "a*.example", "a.example:0", "a.example:70000", "10.0.0.1/8", "1.2.3", "user@a", "", "a b"],
)
def test_what_is_no_entry(entry: str) -> None:
    with pytest.raises(ValueError, match="takes hosts such as"):
        HostList([entry])
