"""Certificates of a running cluster: renewed, and issued anew for another name of the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.lab.cluster.cluster import MASTERS, Cluster, eventually, told
from tests.lab.cluster.watch import Watch
from tests.lab.cluster.worn import let_certificates_end
from tests.lab.test_site import changes

pytestmark = [pytest.mark.timeout(2700), pytest.mark.long]

AUTHORITIES = {"pki/ca.crt", "pki/etcd/ca.crt", "pki/front-proxy-ca.crt"}
OLD_NAME, NEW_NAME = "k8s-api.detectviz.internal", "kubernetes.detectviz.internal"


def checksums(cluster: Cluster, name: str, folder: str = "/etc/kubernetes") -> dict[str, str]:
    """Of every certificate and kubeconfig of a master, by its path in the folder."""
    lines = cluster.on(name, f"cd {folder} && sha256sum pki/*.crt pki/etcd/*.crt *.conf").splitlines()
    return {path: digest for digest, path in map(str.split, lines)}


def newest_backup(cluster: Cluster, name: str) -> str:
    return cluster.on(name, "ls -d /etc/kubernetes/backups/* | tail -n 1")


def kept_configuration(cluster: Cluster) -> dict[str, Any]:
    """kubeadm's configuration as it is in the cluster."""
    found = cluster.objects("--namespace", "kube-system", "configmap", "kubeadm-config")[0]
    return dict(yaml.safe_load(found["data"]["ClusterConfiguration"]))


def names_of(cluster: Cluster, name: str) -> set[str]:
    text = cluster.on(name, "openssl x509 -noout -ext subjectAltName -in /etc/kubernetes/pki/apiserver.crt")
    return set(re.findall(r"DNS:([^,\s]+)", text))


def test_all_certificates_are_new_and_the_api_goes_on(cluster: Cluster) -> None:
    before = {name: checksums(cluster, name) for name in MASTERS}
    backups, old = len(cluster.backups()), (cluster.state / "kubeconfig").read_bytes()
    with Watch(cluster) as watch:
        cluster.play("playbooks/renew_certificates.yml")
    print(f"while certificates were renewed, the API was away for {watch.longest_gap():.1f} s at most")
    for name in MASTERS:
        after = checksums(cluster, name)
        assert after.keys() == before[name].keys()
        assert {path for path in after if after[path] == before[name][path]} - {"kubelet.conf"} == AUTHORITIES
        assert checksums(cluster, name, newest_backup(cluster, name)) == before[name]
    assert (cluster.state / "kubeconfig").read_bytes() != old
    cluster.becomes_whole()
    assert len(cluster.backups()) > backups


def test_a_second_run_after_it_changes_nothing(cluster: Cluster) -> None:
    assert set(changes(cluster.play("site.yml", "--tags", "p2")).values()) == {0}


def test_another_name_of_the_api_comes_into_its_certificates_and_nothing_else_changes(cluster: Cluster) -> None:
    data = cluster.lab.folder / "site/group_vars/all/site.yml"
    written = data.read_text()
    before = {name: checksums(cluster, name) for name in MASTERS}
    kept = kept_configuration(cluster)
    data.write_text(written.replace(OLD_NAME, NEW_NAME))
    try:
        said = changes(cluster.play("site.yml", "--tags", "p2", "--check", "--diff"))
        assert all(said[name] > 0 for name in MASTERS)
        assert {name: checksums(cluster, name) for name in MASTERS} == before
        cluster.play("site.yml", "--tags", "p2")
        for name in MASTERS:
            assert NEW_NAME in names_of(cluster, name)
            after = checksums(cluster, name)
            assert {path for path in after if after[path] != before[name][path]} == {"pki/apiserver.crt"}
            old = cluster.on(name, f"sha256sum {newest_backup(cluster, name)}/pki/apiserver.crt").split()[0]
            assert old == before[name]["pki/apiserver.crt"]
        now = kept_configuration(cluster)
        assert NEW_NAME in now["apiServer"].pop("certSANs")
        kept["apiServer"].pop("certSANs")
        assert now == kept
        assert set(changes(cluster.play("site.yml", "--tags", "p2")).values()) == {0}
    finally:
        data.write_text(written)
    cluster.play("site.yml", "--tags", "p2")


def test_certificates_that_have_ended_are_renewed_though_nothing_answers(cluster: Cluster) -> None:
    for name in MASTERS:
        let_certificates_end(cluster, name)
    for name in MASTERS:
        cluster.on(name, "pkill -KILL -x etcd; pkill -KILL -x kube-apiserver")
    eventually("the API answers no more", lambda: not cluster.answers())
    said = told(cluster.play("playbooks/renew_certificates.yml"))
    assert "they are renewed without a backup" in said
    cluster.becomes_whole()
    cluster.play("playbooks/acceptance.yml", "--tags", "p2")
