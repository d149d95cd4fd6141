"""What a lab has made says so on the node: read from what dpkg and containerd answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _lab_marks
from ansible_collections.detectviz.infra.plugins.module_utils._lab_marks import marked, read_marks, stands_for

NODE = "quay.io/calico/node:v3.31.7"
IMAGES = f"""REF TYPE DIGEST SIZE PLATFORMS LABELS
{NODE.partition(":")[0]}@sha256:m1 application/vnd.oci.image.manifest.v1+json sha256:m1 27.0 MiB linux/amd64 io.cri-containerd.image=managed
{NODE} application/vnd.oci.image.manifest.v1+json sha256:m1 27.0 MiB linux/amd64 io.cri-containerd.image=managed
registry.k8s.io/pause:3.10.2 application/vnd.oci.image.index.v1+json sha256:i2 0.3 MiB linux/amd64 -
sha256:c1 application/vnd.oci.image.manifest.v1+json sha256:m1 27.0 MiB linux/amd64 io.cri-containerd.image=managed
"""
CONTENT: dict[str, Any] = {
    "sha256:m1": {"config": {"digest": "sha256:c1"}},
    "sha256:c1": {"config": {"Labels": {"io.detectviz.lab.standin": "stands for calico/node", "maintainer": "x"}}},
    "sha256:i2": {"manifests": [{"digest": "sha256:m2"}, {"digest": "sha256:other-platform"}]},
    "sha256:m2": {"config": {"digest": "sha256:c2"}},
    "sha256:c2": {"config": {}},
}


def run(command: list[str]) -> tuple[int, str]:
    if command[0] == "dpkg-query":
        return 0, "apt 2.6.1\t\nkubelet 1.36.3-1.1\tmade by the lab\nkubectl 1.36.3-1.1\tmade by the lab\n"
    if command[:5] == ["ctr", "-n", "k8s.io", "images", "list"]:
        return 0, IMAGES
    assert command[:5] == ["ctr", "-n", "k8s.io", "content", "get"]
    return (0, json.dumps(CONTENT[command[5]])) if command[5] in CONTENT else (1, "not found")


def test_marked_packages_and_images_are_found_by_the_name_that_people_know() -> None:
    assert [(mark["kind"], mark["name"], mark["text"]) for mark in read_marks(run)] == [
        ("package", "kubelet", "made by the lab"),
        ("package", "kubectl", "made by the lab"),
        ("image", NODE, "stands for calico/node"),
    ]


def test_documents_are_read_from_containerds_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sha256").mkdir()
    for digest, content in CONTENT.items():
        (tmp_path / "sha256" / digest.partition(":")[2]).write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(_lab_marks, "BLOBS", tmp_path)
    asked: list[list[str]] = []
    read_marks(lambda command: asked.append(command) or run(command))
    assert [command for command in asked if "content" in command] == [
        ["ctr", "-n", "k8s.io", "content", "get", "sha256:other-platform"]
    ]


def test_a_node_without_dpkg_and_containerd_has_none() -> None:
    assert read_marks(lambda _command: (127, "not installed")) == []


def test_the_problem_names_node_things_and_the_way_out() -> None:
    packages, image = marked(read_marks(run), "node-1")
    assert packages.startswith("node-1 has packages of a lab: kubelet (made by the lab), kubectl (made by the lab). ")
    assert "apt-get purge kubelet" in packages and "allow_standins: true" in packages
    assert f"node-1 has image of a lab: {NODE} (stands for calico/node)" in image
    assert f"ctr -n k8s.io images rm {NODE}" in image and "registry_mirrors" in image
    assert marked([], "node-1") == []


def test_an_image_stands_for_one_only_by_its_label() -> None:
    marks = read_marks(run)
    assert stands_for(marks, "calico/node") and not stands_for(marks, "calico/cni")
    built = [{**marks[2], "label": "io.detectviz.lab.built"}]
    assert not stands_for(built, "calico/node")
