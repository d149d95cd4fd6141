"""Calico's CustomResourceDefinitions: the published ones where they are to be had, and a small set of our own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

VARIABLE = "DETECTVIZ_CALICO_MANIFESTS"
"""A folder with published install manifests, named calico-<version>.yaml; else the one beside the checkout."""
FOLDER = Path(os.environ.get(VARIABLE) or Path(__file__).resolve().parents[2].parent / "shared/upstream/calico")

GROUP = "crd.projectcalico.org"
KINDS = {"FelixConfiguration": "felixconfigurations", "IPPool": "ippools", "BGPConfiguration": "bgpconfigurations"}

DURATION = {"type": "string", "pattern": r"^([0-9]+(\\.[0-9]+)?(ms|s|m|h))*$"}
REDUCED: dict[str, dict[str, Any]] = {
    "FelixConfiguration": {
        "vxlanMTU": {"type": "integer"},
        "wireguardMTU": {"type": "integer"},
        "iptablesMarkMask": {"type": "integer", "format": "int32"},
        "healthPort": {"type": "integer"},
        "reportingInterval": DURATION,
        "logSeverityScreen": {"type": "string", "pattern": "^(?i)(Trace|Debug|Info|Warning|Error|Fatal)?$"},
        "prometheusMetricsEnabled": {"type": "boolean"},
        "kubeNodePortRanges": {
            "type": "array",
            "items": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True},
        },
    },
    "IPPool": {
        "cidr": {"type": "string"},
        "blockSize": {"type": "integer"},
        "vxlanMode": {"type": "string"},
        "ipipMode": {"type": "string"},
        "natOutgoing": {"type": "boolean"},
        "disabled": {"type": "boolean"},
        "nodeSelector": {"type": "string"},
    },
    "BGPConfiguration": {
        "asNumber": {"type": "integer", "format": "int32"},
        "nodeToNodeMeshEnabled": {"type": "boolean"},
        "listenPort": {"type": "integer", "minimum": 1, "maximum": 65535},
    },
}


def reduced(group: str = GROUP, version: str = "v1") -> list[dict[str, Any]]:
    """Definitions of the three kinds with the fields that the tests use."""
    return [_definition(kind, plural, group, version) for kind, plural in KINDS.items()]


def _definition(kind: str, plural: str, group: str, version: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": "object", "properties": REDUCED[kind]}
    if kind == "IPPool":
        spec["required"] = ["cidr"]
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Cluster",
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


def published_versions() -> list[str]:
    """Versions whose manifest is there."""
    return [path.stem.removeprefix("calico-") for path in sorted(FOLDER.glob("calico-v*.yaml"))]


def published(version: str) -> list[dict[str, Any]]:
    """The definitions of the three kinds in one published manifest."""
    text = (FOLDER / f"calico-{version}.yaml").read_text(encoding="utf-8")
    documents = [item for item in yaml.safe_load_all(text) if item]
    wanted = {f"{plural}.{GROUP}" for plural in KINDS.values()}
    return [item for item in documents if item["metadata"]["name"] in wanted]
