# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's install manifest for one cluster: what changes, and that nothing else does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.detectviz.infra.plugins.module_utils._calico_manifest import pools_of, read_wanted, transform
from ansible_collections.detectviz.infra.plugins.module_utils._calico_workload import images_of
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._yaml_documents import read_documents, write_documents
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

# Manifests as Calico published them. Not part of the project: name their folder, or have it beside the checkout.
BESIDE = Path(__file__).parents[4] / "shared/upstream/calico"
PUBLISHED = Path(os.environ.get("DETECTVIZ_CALICO_MANIFESTS", BESIDE))
VERSIONS = ["v3.27.3", "v3.31.7"]

MINIMAL = """\
# A manifest of the same form, cut to what matters.
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: calico-node, namespace: kube-system}   # stays as it is
---
kind: ConfigMap
apiVersion: v1
metadata: {name: calico-config, namespace: kube-system}
data:
  calico_backend: bird
  veth_mtu: "0"
  cni_network_config: |-
    {"plugins": [{"type": "calico", "mtu": __CNI_MTU__, "ipam": {"type": "calico-ipam"}}, {"type": "portmap"}]}
---
kind: DaemonSet
apiVersion: apps/v1
metadata: {name: calico-node, namespace: kube-system}
spec:
  template:
    spec:
      initContainers:
        - {name: install-cni, image: "docker.io/calico/cni:v3", env: [{name: SLEEP, value: "false"}]}
      containers:
        - name: calico-node
          image: docker.io/calico/node:v3
          env:
            - {name: IP, value: autodetect}
            - {name: CALICO_IPV4POOL_IPIP, value: Always}
            - {name: FELIX_VXLANMTU, valueFrom: {configMapKeyRef: {name: calico-config, key: veth_mtu}}}
          livenessProbe: {exec: {command: [/bin/calico-node, -felix-live, -bird-live]}}
          readinessProbe: {exec: {command: [/bin/calico-node, -felix-ready, -bird-ready]}}
"""
NOTHING = {
    "pool_cidr": None,
    "encapsulation": "vxlan",
    "mtu": None,
    "address_detection": None,
    "registry": None,
    "dataplane": None,
}
SITE = {"pool_cidr": ["10.244.0.0/16"], "mtu": 1450, "address_detection": "cidr=10.0.0.0/24"}


def published(version: str) -> str:
    file = PUBLISHED / f"calico-{version}.yaml"
    if not file.exists():
        pytest.skip(
            f"the manifest that Calico {version} published is not at {file}: name its folder in DETECTVIZ_CALICO_MANIFESTS"
        )
    return file.read_text(encoding="utf-8")


def written(text: str, **given: Any) -> str:
    documents = read_documents(text, "calico.yaml")
    edited = transform([document.value for document in documents], read_wanted({**NOTHING, **given}))
    return write_documents(documents, edited)


def objects(text: str) -> list[dict[str, Any]]:
    return [item for item in yaml.load_all(text, Loader=yaml.CSafeLoader) if item]


def named(text: str, kind: str, name: str) -> dict[str, Any]:
    return next(item for item in objects(text) if (item["kind"], item["metadata"]["name"]) == (kind, name))


def node(text: str) -> dict[str, Any]:
    containers = named(text, "DaemonSet", "calico-node")["spec"]["template"]["spec"]["containers"]
    return next(item for item in containers if item["name"] == "calico-node")


def variables(text: str) -> dict[str, Any]:
    entries = node(text)["env"]
    assert len({entry["name"] for entry in entries}) == len(entries), "a variable is there twice"
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}


def config(text: str) -> dict[str, str]:
    return named(text, "ConfigMap", "calico-config")["data"]


def problems(text: str = MINIMAL, **given: Any) -> str:
    with pytest.raises(InfraError) as caught:
        written(text, **given)
    return str(caught.value)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_published_manifest_becomes_one_for_vxlan(version: str) -> None:
    """C3 and C4: the mode, the backend, the probes and the pool, none of which the published one has."""
    text = written(published(version), **SITE)
    made = variables(text)
    assert (made["CALICO_IPV4POOL_VXLAN"], made["CALICO_IPV4POOL_IPIP"]) == ("Always", "Never")
    assert made["CALICO_IPV4POOL_CIDR"] == "10.244.0.0/16"
    assert made["IP_AUTODETECTION_METHOD"] == "cidr=10.0.0.0/24"
    assert made["FELIX_VXLANMTU"] == made["FELIX_WIREGUARDMTU"] == "1450"
    assert (config(text)["calico_backend"], config(text)["veth_mtu"]) == ("vxlan", "1450")
    assert node(text)["livenessProbe"]["exec"]["command"] == ["/bin/calico-node", "-felix-live"]
    assert node(text)["readinessProbe"]["exec"]["command"] == ["/bin/calico-node", "-felix-ready"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_other_object_of_the_published_manifest_stays(version: str) -> None:
    before = published(version)
    after = written(before, **SITE)
    both = list(zip(objects(before), objects(after), strict=True))
    differ = [(old["kind"], old["metadata"]["name"]) for old, new in both if old != new]
    assert differ == [("ConfigMap", "calico-config"), ("DaemonSet", "calico-node")]
    assert len(both) > 30


@pytest.mark.parametrize("version", VERSIONS)
def test_the_published_manifest_of_both_versions_changes_in_the_same_places(version: str) -> None:
    before, after = (
        named(text, "DaemonSet", "calico-node") for text in (published(version), written(published(version), **SITE))
    )
    for item in (before, after):
        container = item["spec"]["template"]["spec"]["containers"][0]
        del container["env"], container["livenessProbe"], container["readinessProbe"]
    assert before == after


@pytest.mark.parametrize("version", VERSIONS)
def test_all_images_come_from_the_registry(version: str) -> None:
    images = images_of(objects(written(published(version), registry="registry.example.net:5000/mirror/")))
    assert images == [
        f"registry.example.net:5000/mirror/calico/{name}:{version}" for name in ("cni", "node", "kube-controllers")
    ]


def test_nftables_needs_a_felix_that_knows_it() -> None:
    assert "choose Calico v3.29" in problems(published("v3.27.3"), dataplane="nftables")
    assert variables(written(published("v3.31.7"), dataplane="nftables"))["FELIX_NFTABLESMODE"] == "Enabled"
    assert variables(written(published("v3.31.7"), dataplane="iptables"))["FELIX_NFTABLESMODE"] == "Disabled"
    assert "FELIX_NFTABLESMODE" not in variables(written(published("v3.27.3"), dataplane="iptables"))


def test_a_second_time_changes_nothing() -> None:
    once = written(MINIMAL, **SITE)
    assert written(once, **SITE) == once


def test_text_around_the_edited_objects_stays_letter_by_letter() -> None:
    assert written(MINIMAL).startswith(MINIMAL[: MINIMAL.index("kind: ConfigMap")])


def test_a_variable_is_set_in_its_place_and_its_source_goes() -> None:
    """The last failure that the documents record was a FELIX_ variable that was there twice."""
    entries = node(written(MINIMAL, **SITE))["env"]
    assert entries[2] == {"name": "FELIX_VXLANMTU", "value": "1450"}
    twice = MINIMAL.replace("- {name: IP,", "- {name: FELIX_VXLANMTU, value: '1'}\n            - {name: IP,")
    assert variables(written(twice, **SITE))["FELIX_VXLANMTU"] == "1450"


def test_a_variable_that_is_there_twice_and_not_set_is_told() -> None:
    twice = MINIMAL.replace("- {name: IP,", "- {name: IP, value: ''}\n            - {name: IP,")
    assert "calico-node has IP twice" in problems(twice)


@pytest.mark.parametrize(
    ("encapsulation", "vxlan", "ipip", "backend"),
    [
        ("vxlan", "Always", "Never", "vxlan"),
        ("vxlan_cross_subnet", "CrossSubnet", "Never", "vxlan"),
        ("ipip", "Never", "Always", "bird"),
        ("ipip_cross_subnet", "Never", "CrossSubnet", "bird"),
        ("none", "Never", "Never", "bird"),
    ],
)
def test_encapsulations(encapsulation: str, vxlan: str, ipip: str, backend: str) -> None:
    text = written(MINIMAL, encapsulation=encapsulation)
    made = variables(text)
    assert (made["CALICO_IPV4POOL_VXLAN"], made["CALICO_IPV4POOL_IPIP"]) == (vxlan, ipip)
    assert config(text)["calico_backend"] == backend
    assert ("-bird-live" in node(text)["livenessProbe"]["exec"]["command"]) == (backend == "bird")


def test_two_ip_versions() -> None:
    text = written(
        MINIMAL,
        pool_cidr=["10.244.0.0/16", "2001:db8:42::/48"],
        mtu=1430,
        address_detection="10.0.0.0/24,2001:db8::/64",
    )
    made = variables(text)
    assert (made["CALICO_IPV6POOL_CIDR"], made["CALICO_IPV6POOL_VXLAN"]) == ("2001:db8:42::/48", "Always")
    assert (made["IP"], made["IP6"], made["FELIX_IPV6SUPPORT"]) == ("autodetect", "autodetect", "true")
    assert made["IP_AUTODETECTION_METHOD"] == "cidr=10.0.0.0/24"
    assert made["IP6_AUTODETECTION_METHOD"] == "cidr=2001:db8::/64"
    assert made["FELIX_VXLANMTUV6"] == "1430"
    plugin = json.loads(config(text)["cni_network_config"].replace("__CNI_MTU__", "1"))["plugins"][0]
    assert plugin == {
        "type": "calico",
        "mtu": 1,
        "ipam": {"type": "calico-ipam", "assign_ipv4": "true", "assign_ipv6": "true"},
    }


def test_ipv6_alone() -> None:
    text = written(MINIMAL, pool_cidr=["2001:db8:42::/48"], address_detection="kubernetes-internal-ip")
    made = variables(text)
    assert (made["IP"], made["IP6"], made["CALICO_ROUTER_ID"]) == ("none", "autodetect", "hash")
    assert made["IP6_AUTODETECTION_METHOD"] == "kubernetes-internal-ip"
    assert '"assign_ipv4": "false"' in config(text)["cni_network_config"]


def test_one_ip_version_leaves_the_network_configuration() -> None:
    assert config(written(MINIMAL, **SITE))["cni_network_config"] == config(MINIMAL)["cni_network_config"]


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ("cidr=10.0.0.0/24", "cidr=10.0.0.0/24"),
        ("10.0.0.0/24", "cidr=10.0.0.0/24"),
        ("interface=eth0,eth1", "interface=eth0,eth1"),
        ("can-reach=192.0.2.1", "can-reach=192.0.2.1"),
        ("first-found", "first-found"),
    ],
)
def test_address_detection(given: str, method: str) -> None:
    assert variables(written(MINIMAL, address_detection=given))["IP_AUTODETECTION_METHOD"] == method


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = problems(
        pool_cidr=["10.244.1.0/16", "10.1.0.0/16", "10.2.0.0/16"],
        mtu=100,
        address_detection="eth0",
        registry="https://registry",
    )
    for word in ("10.244.1.0/16", "two networks of IPv4", "mtu 100", "eth0", "https://registry"):
        assert word in told
    assert "does not carry IPv6" in problems(encapsulation="ipip", pool_cidr=["2001:db8::/48"])
    assert "needs a value" in problems(address_detection="interface=")


def test_another_manifest_is_refused() -> None:
    operator = "kind: Deployment\nmetadata: {name: tigera-operator}\n"
    assert "tigera's operator" in problems(operator)
    assert "has no veth_mtu" in problems(MINIMAL.replace("veth_mtu: ", "other: "))
    assert "no container calico-node" in problems(MINIMAL.replace("- name: calico-node", "- name: other"))
    assert "document 5 is no object" in problems(MINIMAL + "---\n- text\n")


def test_a_key_that_is_there_twice_is_told_with_its_line() -> None:
    text = MINIMAL.replace('  veth_mtu: "0"\n', '  veth_mtu: "0"\n  calico_backend: none\n')
    assert problems(text) == "calico.yaml line 13: the key 'calico_backend' is there twice, first in line 11"


def test_what_is_no_yaml_is_told_with_its_line() -> None:
    assert "calico.yaml line 4: " in problems("a: 1\n---\nb: 1\n  c: 1\nd: 1\n")


def test_pools_are_those_that_calico_makes_itself() -> None:
    first, second = pools_of(["10.244.0.0/16", "fd00:10:244::/48"])
    assert first == {
        "name": "default-ipv4-ippool",
        "spec": {
            "cidr": "10.244.0.0/16",
            "blockSize": 26,
            "vxlanMode": "Always",
            "ipipMode": "Never",
            "natOutgoing": True,
            "nodeSelector": "all()",
        },
    }
    assert (second["name"], second["spec"]["blockSize"]) == ("default-ipv6-ippool", 122)
    assert pools_of(["10.244.0.0/16"], "ipip")[0]["spec"]["ipipMode"] == "Always"


words = st.text("abcdefghij-", min_size=1, max_size=8)
# PyYAML's own writer, which makes the manifests here, loses a NEL where it may write Unicode.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x85"))
plain = texts | st.integers() | st.booleans() | st.none()
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)
others = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["Role", "CustomResourceDefinition", "Service"]),
        "metadata": st.fixed_dictionaries({"name": words}),
    },
    optional={"spec": st.dictionaries(words, values, max_size=3)},
)
entries = st.lists(
    st.fixed_dictionaries({"name": words, "value": texts}), max_size=4, unique_by=lambda item: item["name"]
)


@with_settings(deadline=None)
@given(st.lists(others, max_size=4), st.lists(others, max_size=4), entries, st.data())
def test_whatever_is_around_it_only_the_two_objects_change(
    before: list, after: list, own: list, data: st.DataObject
) -> None:
    middle = objects(MINIMAL)[1:]
    middle[1]["spec"]["template"]["spec"]["containers"][0]["env"] += own
    stream = [*before, *data.draw(st.permutations(middle)), *after]
    text = yaml.safe_dump_all(stream, sort_keys=False, allow_unicode=data.draw(st.booleans()))
    made = written(text, **SITE)
    assert [item for item in objects(made) if item["metadata"]["name"] not in ("calico-node", "calico-config")] == [
        item for item in objects(text) if item["metadata"]["name"] not in ("calico-node", "calico-config")
    ]
    assert [item["metadata"] for item in objects(made)] == [item["metadata"] for item in objects(text)]
    names = [item["name"] for item in own]
    assert [item for item in node(made)["env"] if item["name"] in names] == own
    assert written(made, **SITE) == made
