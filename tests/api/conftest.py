"""A real API server for the tests, once per set of Calico's definitions."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# The collection of this checkout comes before any that is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".collections"))

from tests.api import binaries, calico_definitions
from tests.api.cluster import Cluster
from tests.api.control_plane import ControlPlane
from tests.api.modules import Result, run_module

PUBLISHED = calico_definitions.published_versions()
NO_MANIFESTS = f"no published Calico manifest: name a folder with calico-<version>.yaml in {calico_definitions.VARIABLE}"


@pytest.fixture(scope="session")
def make_control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], ControlPlane]]:
    """Starts API servers; all are gone afterwards. Without the programs the tests are skipped and say why."""
    try:
        programs = binaries.find()
    except binaries.NoBinaries as missing:
        pytest.skip(str(missing))
    running: list[ControlPlane] = []

    def make() -> ControlPlane:
        running.append(ControlPlane(tmp_path_factory.mktemp("api"), programs))
        return running[-1]

    yield make
    for control_plane in running:
        control_plane.stop()


@pytest.fixture(scope="session", params=["reduced", *(PUBLISHED or ["published"])])
def calico_cluster(request: pytest.FixtureRequest, make_control_plane: Callable[[], ControlPlane]) -> Cluster:
    """An API server that has Calico's definitions, and no object of them."""
    if request.param == "published":
        pytest.skip(NO_MANIFESTS)
    cluster = Cluster(make_control_plane())
    reduced = request.param == "reduced"
    cluster.define(calico_definitions.reduced() if reduced else calico_definitions.published(request.param))
    return cluster


@pytest.fixture
def cluster(calico_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster of the set, empty again after the test."""
    yield calico_cluster
    calico_cluster.clear()


@pytest.fixture
def calico_felix(cluster: Cluster, tmp_path: Path) -> Callable[..., Result]:
    """Runs the module on the cluster with the given options."""
    return functools.partial(run_module, "calico_felix", tmp_path, **cluster.options)


@pytest.fixture
def bare_cluster(make_control_plane: Callable[[], ControlPlane]) -> Cluster:
    """An API server of its own without any definition."""
    return Cluster(make_control_plane())


@pytest.fixture
def two_nodes(bare_cluster: Cluster) -> Cluster:
    """An API server with two nodes that say they are ready."""
    for name in ("node-1", "node-2"):
        bare_cluster.request("POST", "/api/v1/nodes", {"metadata": {"name": name}})
        status = {
            "addresses": [{"type": "InternalIP", "address": "10.0.0.11"}, {"type": "Hostname", "address": name}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "images": [{"names": ["registry.example/pause:3.10.2", "registry.example/pause@sha256:0"]}],
        }
        bare_cluster.request("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, "application/merge-patch+json")
    return bare_cluster
