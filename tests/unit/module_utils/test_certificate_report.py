"""How long certificates are good for, and which names they lack."""

from __future__ import annotations

import base64
import datetime
import functools
from pathlib import Path

import certificate_factory as factory
import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as observe
from ansible_collections.detectviz.infra.plugins.module_utils._certificate_report import (
    certificate_rows,
    missing_certificate_names,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import fingerprint, peer_address

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)


certificate = functools.partial(factory.certificate, now=NOW)
CLIENT, SERVING = str(observe.CLIENT_CERTIFICATE), str(observe.SERVING_CERTIFICATE)


def test_the_next_certificate_to_end_comes_first() -> None:
    nodes = {"m1": {"node": {"certificates": {"a": certificate(90), "b": certificate(-3), "c": certificate(10)}}}}
    assert [(row["file"], row["days_left"]) for row in certificate_rows(nodes, NOW)] == [
        ("b", -3),
        ("c", 10),
        ("a", 90),
    ]


def test_a_file_that_is_no_certificate_is_told_as_one_that_has_ended() -> None:
    (row,) = certificate_rows({"m1": {"node": {"certificates": {"a": "nonsense"}}}}, NOW)
    assert row["days_left"] == -1 and "is no certificate" in row["text"]


def test_what_to_do_depends_on_who_renews_it() -> None:
    found = {CLIENT: certificate(3), SERVING: certificate(2), "/etc/kubernetes/admin.conf": certificate(1)}
    admin, serving, client = certificate_rows({"m1": {"node": {"certificates": found}}}, NOW)
    assert admin["remedy"] == "renew it: playbooks/renew_certificates.yml"
    assert serving["file"] == SERVING and "approves it" in serving["remedy"]
    assert client["file"] == CLIENT and "kubeadm_reset_nodes" in client["remedy"]


def kubeconfig(pem: str) -> str:
    return f"users:\n- name: a\n  user:\n    client-certificate-data: {base64.b64encode(pem.encode()).decode()}\n"


def test_the_control_machines_kubeconfig_is_one_of_them() -> None:
    nodes = {"m1": {"node": {"certificates": {"a": certificate(90)}}}}
    first, _other = certificate_rows(nodes, NOW, {"/state/kubeconfig": kubeconfig(certificate(5))})
    assert first["text"] == "control machine /state/kubeconfig ends in 5 days"
    assert "playbooks/p2_kubernetes.yml" in first["remedy"]


@pytest.mark.parametrize("text", ["", "users: []", "client-certificate: /a/file.pem"])
def test_a_kubeconfig_without_a_certificate_has_no_row(text: str) -> None:
    assert certificate_rows({}, NOW, {"/state/kubeconfig": text}) == []


@pytest.mark.parametrize("text", [kubeconfig("nonsense"), "client-certificate-data: a"])
def test_a_kubeconfig_that_cannot_be_read_is_told_as_one_that_has_ended(text: str) -> None:
    (row,) = certificate_rows({}, NOW, {"/state/kubeconfig": text})
    assert row["days_left"] == -1 and "is no certificate" in row["text"]


def test_of_a_kubelets_files_only_the_certificate_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold the key beside it, and authorities behind it."""
    client, other = certificate(7), certificate(8)
    key = "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n"
    (tmp_path / "client.pem").write_text(key + client + other + key)
    monkeypatch.setattr(observe, "CLIENT_CERTIFICATE", tmp_path / "client.pem")
    monkeypatch.setattr(observe, "SERVING_CERTIFICATE", tmp_path / "serving.pem")
    assert observe.kubelet_certificates() == {str(tmp_path / "client.pem"): client}
    (tmp_path / "serving.pem").write_text(key)
    assert observe.kubelet_certificates()[str(tmp_path / "serving.pem")] == ""


def test_names_that_a_certificate_lacks() -> None:
    wanted = ["192.0.2.10", "k8s.example.net", "192.0.2.11"]
    assert missing_certificate_names(certificate(1), wanted) == ["192.0.2.11"]
    assert missing_certificate_names("", wanted) == []
    assert missing_certificate_names("nonsense", wanted) == wanted


def test_the_spelling_of_an_address_does_not_matter() -> None:
    pem, _key = factory.certificate_and_key(1, NOW, "2001:db8::1")
    assert missing_certificate_names(pem, ["2001:0DB8:0:0::1", "2001:db8::1"]) == []
    assert missing_certificate_names(pem, ["2001:0db8::2"]) == ["2001:0db8::2"]


def test_a_ca_is_known_by_its_first_certificate() -> None:
    one, two = certificate(1), certificate(2)
    assert fingerprint(one) == fingerprint("text before\n" + one + two) != fingerprint(two)
    assert fingerprint("nonsense") is None


def test_a_member_of_etcd_is_known_by_its_address() -> None:
    assert peer_address("https://10.0.0.11:2380") == "10.0.0.11"
    assert peer_address("https://[fd00::1]:2380") == peer_address("https://[FD00:0::1]:2380") == "fd00::1"
