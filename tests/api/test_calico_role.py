"""The role calico against a real API server: what Calico publishes is applied, and a second run changes nothing.

There are no nodes, so that the role's last step, the wait for them, is left to the lab.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api import calico_definitions
from tests.api.cluster import Cluster
from tests.api.modules import CHECKOUT

PUBLISHED = calico_definitions.published_versions()
LAB = CHECKOUT / "lab/standins/calico.yaml"
SITE = {
    "calico_pool_cidrs": ["10.244.0.0/16"],
    "calico_mtu": 1450,
    "calico_address_detection": "cidr=10.0.0.0/24",
    "calico_dataplane": "iptables",
}


class Role:
    """Runs the role's steps on the control machine, as playbooks do."""

    def __init__(self, cluster: Cluster, folder: Path, version: str) -> None:
        self.folder = folder
        manifest = LAB if version == "lab" else calico_definitions.FOLDER / f"calico-{version}.yaml"
        self.variables = {
            **SITE,
            "calico_version": version,
            "calico_manifest": {"url": manifest.resolve().as_uri()},
            "calico_folder": str(folder / "calico"),
            "calico_kubeconfig": str(self._kubeconfig(cluster.options)),
        }

    def _kubeconfig(self, options: dict[str, Any]) -> Path:
        path = self.folder / "kubeconfig"
        cluster = {"server": options["host"], "certificate-authority": options["ca_cert"]}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": options["api_key"]}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        path.write_text(yaml.safe_dump(config))
        return path

    def run(self, *arguments: str, **variables: Any) -> dict[str, Any]:
        """What each task gave, by its name; ``changed`` holds the names of those that changed something."""
        steps = [
            {"ansible.builtin.include_role": {"name": "detectviz.infra.calico", "tasks_from": step}}
            for step in ("manifest", "apply")
        ]
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": steps}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        (self.folder / "variables.json").write_text(json.dumps(self.variables | variables))
        program = shutil.which("ansible-playbook")
        assert program
        done = subprocess.run(
            [program, "-i", "localhost,", "play.yml", "-e", "@variables.json", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": f"{CHECKOUT}/.collections",
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                "ANSIBLE_PYTHON_INTERPRETER": "{{ ansible_playbook_python }}",
            },
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr
        tasks = json.loads(done.stdout[done.stdout.index("{") :])["plays"][0]["tasks"]
        results = {
            task["task"]["name"].rpartition(" : ")[2]: task["hosts"]["localhost"] for task in tasks if task["hosts"]
        }
        return {**results, "changed": [name for name, result in results.items() if result.get("changed")]}


VERSIONS = ["lab", *(PUBLISHED or ["published"])]


@pytest.fixture(params=VERSIONS)
def role(request: pytest.FixtureRequest, make_control_plane: Callable[[], Any], tmp_path: Path) -> tuple[Cluster, Role]:
    """The lab's own manifest, and the published ones where they are to be had."""
    if request.param == "published":
        pytest.skip(
            f"no published Calico manifest: name a folder with calico-<version>.yaml in {calico_definitions.VARIABLE}"
        )
    cluster = Cluster(make_control_plane())
    return cluster, Role(cluster, tmp_path, request.param)


def test_the_manifest_is_applied_once(role: tuple[Cluster, Role]) -> None:
    cluster, calico = role
    first = calico.run()
    assert "Every object of the manifest is as in the file" in first["changed"]
    node = cluster.request("GET", "/apis/apps/v1/namespaces/kube-system/daemonsets/calico-node")
    variables = {item["name"]: item.get("value") for item in node["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert (variables["CALICO_IPV4POOL_VXLAN"], variables["FELIX_VXLANMTU"]) == ("Always", "1450")
    assert {item["manager"] for item in node["metadata"]["managedFields"]} == {"detectviz-calico"}
    assert (cluster.spec("FelixConfiguration", "default") or {})["vxlanMTU"] == 1450
    assert (cluster.spec("IPPool", "default-ipv4-ippool") or {})["cidr"] == "10.244.0.0/16"
    second = calico.run()
    assert second["changed"] == []
    assert calico.run("--check")["changed"] == []
    another = cluster.request("GET", "/apis/apps/v1/namespaces/kube-system/daemonsets/calico-node")
    assert another["metadata"]["resourceVersion"] == node["metadata"]["resourceVersion"]


@pytest.mark.parametrize("role", [VERSIONS[0], VERSIONS[-1]], indirect=True)
def test_a_change_of_the_site_is_applied_and_only_that(role: tuple[Cluster, Role]) -> None:
    cluster, calico = role
    calico.run()
    path = "/api/v1/namespaces/kube-system/serviceaccounts/calico-node"
    untouched = cluster.request("GET", path)["metadata"]["resourceVersion"]
    planned = calico.run("--check", calico_mtu=1400)
    assert (cluster.spec("FelixConfiguration", "default") or {})["vxlanMTU"] == 1450
    assert "Every object of the manifest is as in the file" in planned["changed"]
    calico.run(calico_mtu=1400)
    assert (cluster.spec("FelixConfiguration", "default") or {})["vxlanMTU"] == 1400
    config = cluster.request("GET", "/api/v1/namespaces/kube-system/configmaps/calico-config")
    assert config["data"]["veth_mtu"] == "1400"
    assert cluster.request("GET", path)["metadata"]["resourceVersion"] == untouched
