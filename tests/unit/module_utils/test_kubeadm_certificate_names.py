"""Names in the configuration that kubeadm keeps in the cluster, and the rest of it, which stays."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_certificates import with_names

KEPT = """\
apiServer:
  certSANs:
  - 192.0.2.10
  - old.example.net
  extraArgs:
  - name: audit-log-maxage
    value: "14"
apiVersion: kubeadm.k8s.io/v1beta4
etcd:
  external:
    endpoints:
    - https://192.0.2.99:2379
kind: ClusterConfiguration
kubernetesVersion: v1.35.2
"""
NAMES = ["192.0.2.10", "2001:db8::10", "api.example.net"]


@pytest.mark.parametrize(
    "text",
    [
        KEPT,
        KEPT.replace("  - 192.0.2.10\n  - old.example.net\n", "").replace("certSANs:", "certSANs: []"),
        KEPT.replace("  certSANs:\n  - 192.0.2.10\n  - old.example.net\n", ""),
        KEPT.replace("  - 192.0.2.10\n  - old.example.net\n", "    - 192.0.2.10\n    - old.example.net\n"),
        "apiServer: {}\n" + KEPT[KEPT.index("apiVersion") :],
        KEPT[KEPT.index("apiVersion") :] + KEPT[: KEPT.index("apiVersion")],
    ],
)
def test_only_the_names_change(text: str) -> None:
    before, after = yaml.safe_load(text), yaml.safe_load(with_names(text, NAMES))
    assert after["apiServer"].pop("certSANs") == NAMES
    (before["apiServer"] or {}).pop("certSANs", None)
    assert after == before
    assert with_names(with_names(text, NAMES), NAMES) == with_names(text, NAMES)


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"kind": "ClusterConfiguration"}', KEPT.replace("  certSANs:", "    certSANs:"), KEPT + KEPT],
)
def test_what_kubeadm_has_not_written_is_left_alone(text: str) -> None:
    with pytest.raises(InfraError, match="certSANs"):
        with_names(text, NAMES)
