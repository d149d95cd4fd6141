"""Kubeconfigs as data."""

from __future__ import annotations

import base64
import datetime
import functools

import pytest
import yaml
from ansible_collections.detectviz.infra.plugins.plugin_utils.kubeconfig import for_site, merged_into
from certificate_factory import certificate

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)
ADMIN = yaml.safe_dump(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "c", "cluster": {"server": "https://10.0.0.11:6443", "certificate-authority-data": "Q0E="}}
        ],
        "contexts": [{"name": "a@c", "context": {"cluster": "c", "user": "a"}}],
        "current-context": "a@c",
        "users": [{"name": "a", "user": {"client-certificate-data": "QQ==", "client-key-data": "Qg=="}}],
    }
)
SITE = for_site(ADMIN, "example", "192.0.2.10:6443")


def test_the_server_is_the_vip_whatever_the_master_said() -> None:
    (cluster,) = yaml.safe_load(SITE)["clusters"]
    assert cluster["cluster"] == {"server": "https://192.0.2.10:6443", "certificate-authority-data": "Q0E="}


def test_cluster_user_and_context_tell_sites_apart() -> None:
    config = yaml.safe_load(SITE)
    assert config["current-context"] == "example"
    assert config["contexts"] == [{"name": "example", "context": {"cluster": "example", "user": "example-admin"}}]
    assert config["users"][0]["user"]["client-key-data"] == "Qg=="


def test_a_users_own_entries_and_context_stay() -> None:
    own = for_site(ADMIN, "mine", "198.51.100.1:6443")
    both = yaml.safe_load(merged_into(own, SITE))
    assert [item["name"] for item in both["clusters"]] == ["mine", "example"]
    assert both["current-context"] == "mine"


def test_merging_again_replaces_the_sites_entries() -> None:
    once = merged_into(for_site(ADMIN, "mine", "198.51.100.1:6443"), SITE)
    moved = for_site(ADMIN, "example", "192.0.2.99:6443")
    twice = yaml.safe_load(merged_into(once, moved))
    assert [item["cluster"]["server"] for item in twice["clusters"]] == [
        "https://198.51.100.1:6443",
        "https://192.0.2.99:6443",
    ]
    assert merged_into(merged_into(once, moved), moved) == merged_into(once, moved)


def test_without_a_kubeconfig_the_user_gets_the_sites() -> None:
    assert yaml.safe_load(merged_into("", SITE))["current-context"] == "example"


def test_the_certificate_of_another_master_is_no_change() -> None:
    other = ADMIN.replace("QQ==", "Wg==")
    assert for_site(other, "example", "192.0.2.10:6443", present=SITE) == SITE


def test_another_cluster_is_one() -> None:
    other = ADMIN.replace("Q0E=", "Q0I=")
    assert for_site(other, "example", "192.0.2.10:6443", present=SITE) == for_site(other, "example", "192.0.2.10:6443")


@pytest.mark.parametrize("present", ["nonsense", "[1, 2]", "clusters: [", "\x00"])
def test_what_is_no_kubeconfig_is_replaced(present: str) -> None:
    assert for_site(ADMIN, "example", "192.0.2.10:6443", present=present) == SITE


def admin(days: int | None) -> str:
    """kubeadm's, with a certificate that has so many days left; None: with one that cannot be read."""
    pem = "nonsense" if days is None else certificate(days, NOW)
    return ADMIN.replace("QQ==", base64.b64encode(pem.encode()).decode())


site = functools.partial(for_site, name="example", endpoint="192.0.2.10:6443", renew_days=30, now=NOW)


@pytest.mark.parametrize("days", [-400, -1, 0, 29, None])
def test_one_that_has_ended_or_ends_soon_is_fetched_anew(days: int | None) -> None:
    assert site(admin(200), present=site(admin(days))) == site(admin(200))


def test_one_that_is_good_for_long_is_kept() -> None:
    assert site(admin(200), present=site(admin(30))) == site(admin(30))


@pytest.mark.parametrize("days", [5, 3, -1, None])
def test_one_that_ends_soon_is_kept_if_the_masters_ends_no_later(days: int | None) -> None:
    """So a second run changes nothing, and no run makes it worse."""
    assert site(admin(days), present=site(admin(5))) == site(admin(5))


def test_one_without_a_certificate_does_not_end() -> None:
    token = site(ADMIN).replace("client-certificate-data: QQ==", "token: abc")
    assert site(admin(200), present=token) == token
