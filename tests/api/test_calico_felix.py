"""calico_felix against a real API server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api import calico_definitions
from tests.api.cluster import Cluster
from tests.api.modules import Result, run_module

Run = Callable[..., Result]
FELIX = {"vxlanMTU": 1450, "reportingInterval": "30s", "prometheusMetricsEnabled": True}
POOL = {"name": "default-ipv4-ippool", "spec": {"cidr": "10.244.0.0/16", "vxlanMode": "Always", "ipipMode": "Never"}}


def test_objects_are_made_and_a_second_run_writes_nothing(cluster: Cluster, calico_felix: Run) -> None:
    options = {"felix_configuration": FELIX, "ip_pools": [POOL], "bgp_configuration": {"nodeToNodeMeshEnabled": False}}
    first = calico_felix(**options)
    assert first["changed"] and first["api_version"] == "crd.projectcalico.org/v1"
    assert cluster.spec("FelixConfiguration", "default") == FELIX == first["felix_configuration"]["spec"]
    assert cluster.spec("IPPool", "default-ipv4-ippool") == POOL["spec"] == first["ip_pools"][0]["spec"]
    bgp = cluster.spec("BGPConfiguration", "default") or {}
    assert bgp["nodeToNodeMeshEnabled"] is False  # newer definitions add defaults of their own
    written = cluster.versions()
    second = calico_felix(**options)
    assert not second["changed"] and second["diff"] == {"before": {}, "after": {}}
    assert second["explanations"] == [] and not second["restarts_felix"]
    assert cluster.versions() == written


def test_check_mode_tells_the_same_and_writes_nothing(cluster: Cluster, calico_felix: Run) -> None:
    calico_felix(felix_configuration={"vxlanMTU": 1400})
    written = cluster.versions()
    planned = calico_felix(check=True, felix_configuration=FELIX, ip_pools=[POOL])
    assert planned["changed"] and cluster.versions() == written
    assert planned["felix_configuration"]["spec"] == FELIX
    assert planned["diff"]["before"]["FelixConfiguration default"]["spec"] == {"vxlanMTU": 1400}
    done = calico_felix(felix_configuration=FELIX, ip_pools=[POOL])
    assert done["diff"] == planned["diff"]


def test_a_change_of_felix_is_announced(calico_felix: Run) -> None:
    calico_felix(felix_configuration=FELIX)
    result = calico_felix(felix_configuration={**FELIX, "vxlanMTU": 1400})
    assert result["restarts_felix"]
    assert "vxlanMTU" in result.warnings and "restart on every node" in result.warnings


def test_a_field_that_is_not_given_any_more_is_removed(cluster: Cluster, calico_felix: Run) -> None:
    calico_felix(felix_configuration=FELIX)
    assert calico_felix(felix_configuration={"vxlanMTU": 1450})["changed"]
    assert cluster.spec("FelixConfiguration", "default") == {"vxlanMTU": 1450}


def test_fields_of_others_stay(cluster: Cluster, calico_felix: Run) -> None:
    cluster.create_as("calico-node", "FelixConfiguration", "default", logSeverityScreen="Info")
    assert calico_felix(felix_configuration=FELIX)["changed"]
    assert cluster.spec("FelixConfiguration", "default") == {**FELIX, "logSeverityScreen": "Info"}
    assert not calico_felix(felix_configuration=FELIX)["changed"]


def test_an_object_with_the_same_values_becomes_managed_once(cluster: Cluster, calico_felix: Run) -> None:
    cluster.create_as("calico-node", "FelixConfiguration", "default", vxlanMTU=1450)
    first = calico_felix(felix_configuration={"vxlanMTU": 1450})
    assert first["changed"] and not first["restarts_felix"]
    assert not calico_felix(felix_configuration={"vxlanMTU": 1450})["changed"]


def test_a_conflict_names_field_and_manager_of_every_object(cluster: Cluster, calico_felix: Run) -> None:
    cluster.apply_as("someone", "FelixConfiguration", "default", vxlanMTU=1300)
    cluster.apply_as("gitops", "IPPool", "default-ipv4-ippool", cidr="10.244.0.0/16", ipipMode="Always")
    written = cluster.versions()
    result = calico_felix(felix_configuration={"vxlanMTU": 1450}, ip_pools=[POOL])
    assert result.failed
    assert "FelixConfiguration default: spec.vxlanMTU (1300) is managed by someone" in result.message
    assert "IPPool default-ipv4-ippool: spec.ipipMode (Always) is managed by gitops" in result.message
    assert cluster.versions() == written


def test_named_managers_are_taken_over_and_others_are_not(cluster: Cluster, calico_felix: Run) -> None:
    cluster.create_as("calico-node", "FelixConfiguration", "default", vxlanMTU=0)
    cluster.apply_as("someone", "IPPool", "default-ipv4-ippool", cidr="10.244.0.0/16", ipipMode="Always")
    refused = calico_felix(felix_configuration={"vxlanMTU": 1450}, ip_pools=[POOL], take_over_from=["calico-node"])
    assert refused.failed and "someone" in refused.message and "calico-node" not in refused.message
    assert cluster.spec("FelixConfiguration", "default") == {"vxlanMTU": 0}
    done = calico_felix(felix_configuration={"vxlanMTU": 1450}, take_over_from=["calico-node"])
    assert done["changed"] and cluster.spec("FelixConfiguration", "default") == {"vxlanMTU": 1450}


def test_force_takes_over(cluster: Cluster, calico_felix: Run) -> None:
    cluster.apply_as("someone", "FelixConfiguration", "default", vxlanMTU=1300)
    assert calico_felix(felix_configuration={"vxlanMTU": 1450}, force=True)["changed"]
    assert cluster.spec("FelixConfiguration", "default") == {"vxlanMTU": 1450}
    assert not calico_felix(felix_configuration={"vxlanMTU": 1450}, force=True)["changed"]


def test_wrong_fields_and_types_are_told_together(cluster: Cluster, calico_felix: Run) -> None:
    spec = {"vxlanMtu": 1450, "healthPort": 99099, "reportingInterval": 30, "prometheusMetricsEnabled": "maybe"}
    result = calico_felix(felix_configuration=spec, ip_pools=[{"name": "p", "spec": {"cird": "10.0.0.0/16"}}])
    assert result.failed
    for text in (
        "felix_configuration.vxlanMtu is no field of this kind in the cluster's Calico; did you mean vxlanMTU?",
        "felix_configuration.healthPort is 99099: it must be from 0 to 65535",
        "felix_configuration.reportingInterval is 30: it must be a duration with its unit, such as 30s",
        "felix_configuration.prometheusMetricsEnabled is 'maybe': it must be true or false",
        "ip_pools[0].spec.cird is no field of this kind in the cluster's Calico; did you mean cidr?",
    ):
        assert text in result.message
    assert cluster.versions() == {}


def test_text_becomes_the_schemas_type(cluster: Cluster, calico_felix: Run) -> None:
    calico_felix(felix_configuration={"vxlanMTU": "1450", "iptablesMarkMask": "0x0fff0000", "prometheusMetricsEnabled": "True"})
    assert cluster.spec("FelixConfiguration", "default") == {
        "vxlanMTU": 1450, "iptablesMarkMask": 0x0FFF0000, "prometheusMetricsEnabled": True,
    }  # fmt: skip


def test_the_default_mask_is_reached_although_the_api_refuses_its_number(cluster: Cluster, calico_felix: Run) -> None:
    """The definitions say int32, and 0xffff0000 is more: a real API server refuses what Felix has as its default."""
    result = calico_felix(felix_configuration={"vxlanMTU": 1450, "iptablesMarkMask": 0xFFFF0000})
    assert result["changed"] and "is Felix' default" in result.warnings
    assert cluster.spec("FelixConfiguration", "default") == {"vxlanMTU": 1450}


def test_another_mask_above_the_apis_limit_is_refused(calico_felix: Run) -> None:
    result = calico_felix(felix_configuration={"iptablesMarkMask": 0xFF000000})
    assert result.failed and "0x7fffffff" in result.message and "FELIX_IPTABLESMARKMASK" in result.message


def test_the_default_mask_is_not_pretended_while_another_stays(cluster: Cluster, calico_felix: Run) -> None:
    cluster.apply_as("someone", "FelixConfiguration", "default", iptablesMarkMask=0x00FF0000)
    result = calico_felix(felix_configuration={"iptablesMarkMask": 0xFFFF0000})
    assert result.failed and "iptablesMarkMask is 0xff0000 in the cluster" in result.message


@pytest.mark.parametrize("change", [{"cidr": "10.245.0.0/16"}, {"blockSize": 24}])
def test_a_pool_change_without_effect_is_refused(
    cluster: Cluster, calico_felix: Run, change: dict[str, object]
) -> None:
    calico_felix(ip_pools=[POOL])
    written = cluster.versions()
    result = calico_felix(ip_pools=[{**POOL, "spec": {**POOL["spec"], **change}}], felix_configuration=FELIX)
    assert result.failed
    assert f"{next(iter(change))} is" in result.message and "make a pool of another name" in result.message
    assert cluster.versions() == written


def test_the_default_block_size_may_be_said(calico_felix: Run) -> None:
    calico_felix(ip_pools=[POOL])
    assert calico_felix(ip_pools=[{**POOL, "spec": {**POOL["spec"], "blockSize": 26}}])["changed"]


def test_another_encapsulation_is_explained(cluster: Cluster, calico_felix: Run) -> None:
    """Calico makes the pool itself, as its manifest says; here with IP in IP."""
    cluster.create_as("calico-node", "IPPool", POOL["name"], cidr="10.244.0.0/16", ipipMode="Always", vxlanMode="Never")
    result = calico_felix(ip_pools=[POOL], take_over_from=["calico-node"])
    assert "from vxlanMode Never and ipipMode Always to vxlanMode Always and ipipMode Never" in result.warnings
    assert cluster.spec("IPPool", POOL["name"]) == POOL["spec"]


def test_pools_may_not_overlap(cluster: Cluster, calico_felix: Run) -> None:
    calico_felix(ip_pools=[POOL])
    result = calico_felix(ip_pools=[{"name": "second", "spec": {"cidr": "10.244.128.0/17"}}])
    assert result.failed and "overlaps IPPool default-ipv4-ippool" in result.message
    assert cluster.spec("IPPool", "second") is None


def test_both_encapsulations_and_bad_sizes_are_refused(calico_felix: Run) -> None:
    spec = {"cidr": "10.244.0.0/16", "vxlanMode": "Always", "ipipMode": "Always", "blockSize": 33}
    result = calico_felix(ip_pools=[{"name": "p", "spec": spec}])
    assert result.failed and "both on" in result.message and "from 20 to 32" in result.message


def test_a_pool_needs_its_network(calico_felix: Run) -> None:
    result = calico_felix(ip_pools=[{"name": "p", "spec": {"vxlanMode": "Always"}}])
    assert result.failed and "ip_pools[0].spec.cidr" in result.message


def test_it_waits_for_definitions_that_come_later(bare_cluster: Cluster, tmp_path: Path) -> None:
    def define() -> None:
        time.sleep(2)
        bare_cluster.define(calico_definitions.reduced())

    later = threading.Thread(target=define)
    later.start()
    result = run_module("calico_felix", tmp_path, felix_configuration=FELIX, timeout=60, **bare_cluster.options)
    later.join()
    assert result["changed"] and bare_cluster.spec("FelixConfiguration", "default") == FELIX
    own = calico_definitions.reduced("projectcalico.org", "v3")
    bare_cluster.define(own)
    result = run_module("calico_felix", tmp_path, felix_configuration=FELIX, **bare_cluster.options)
    assert result["api_version"] == "projectcalico.org/v3"


def test_a_cluster_without_calico(bare_cluster: Cluster, tmp_path: Path) -> None:
    options = {"felix_configuration": FELIX, "ip_pools": [POOL], "timeout": 2, **bare_cluster.options}
    planned = run_module("calico_felix", tmp_path, check=True, **options)
    assert planned["changed"] and "could not be checked" in planned.warnings
    result = run_module("calico_felix", tmp_path, **options)
    assert result.failed and "felixconfigurations" in result.message and "manifest" in result.message


def test_wrong_credentials_and_addresses_are_told(cluster: Cluster, tmp_path: Path) -> None:
    wrong = run_module("calico_felix", tmp_path, felix_configuration=FELIX, **{**cluster.options, "api_key": "no"})
    assert wrong.failed and "401" in wrong.message and "kubeconfig" in wrong.message
    away = {**cluster.options, "host": "https://127.0.0.1:9"}
    result = run_module("calico_felix", tmp_path, felix_configuration=FELIX, **away)
    assert result.failed and "does not answer" in result.message
    missing = run_module("calico_felix", tmp_path, felix_configuration=FELIX, kubeconfig=str(tmp_path / "none"))
    assert missing.failed and "kubeconfig" in missing.message
