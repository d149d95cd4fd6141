"""The stand-ins' images and manifest: upstream's names, what marks them, and that their own tests pass."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from lab.artifacts import toolchain
from lab.nodes import recipe
from lab.standins import images, manifest

COLLECTION = Path(__file__).resolve().parents[2]
PROGRAM = Path("/bin/true")


def made() -> dict[str, images.Image]:
    own = dict.fromkeys(images.PROGRAMS, PROGRAM)
    plugins = dict.fromkeys(images.PLUGINS, PROGRAM)
    return {image.name: image for image in images.images(own, plugins, "v1.2.3", "v3.31.7")}


def test_every_image_is_labelled_and_knows_which_version_it_stands_for() -> None:
    for image in made().values():
        assert image.tags[0] in image.labels["io.detectviz.lab.standin"]
        assert f"STANDIN_FOR_VERSION={image.tags[0]}" in image.environment


def test_images_have_the_programs_that_upstreams_manifest_runs() -> None:
    documents = [item for item in yaml.safe_load_all(manifest.REDUCED.read_text()) if item]
    commands: dict[str, set[str]] = {}
    for document in documents:
        if document["kind"] not in ("DaemonSet", "Deployment"):
            continue
        pod = document["spec"]["template"]["spec"]
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            found = commands.setdefault(container["image"].rpartition(":")[0].removeprefix("quay.io/"), set())
            found.update(container.get("command", [])[:1])
            found.update(
                container[probe]["exec"]["command"][0]
                for probe in ("livenessProbe", "readinessProbe")
                if probe in container
            )
    for name, wanted in commands.items():
        files = {f"/{path}" for path in made()[name].files}
        for command in wanted:
            assert command in files or any(path.endswith(f"/bin/{command}") for path in files), (name, command)
    assert set(commands) == set(made()) - {"kube-vip/kube-vip"}


def test_controllers_do_not_run_as_root() -> None:
    assert made()["calico/kube-controllers"].user not in ("", "0", "root")


def test_versions_without_the_sites_are_the_collections() -> None:
    text = (COLLECTION / "plugins/plugin_utils/versions.py").read_text()
    for name, version in images.DEFAULTS.items():
        assert f'"{name}": "{version}"' in text
        assert images.version({}, name) == version
        assert images.version({name: "v9.9.9"}, name) == "v9.9.9"


def test_published_manifest_is_taken_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.delenv(manifest.FOLDER, raising=False)
    assert "quay.io/calico/node:v3.30.1" in manifest.of_version("v3.30.1", said.append)
    (tmp_path / "calico-v3.30.1.yaml").write_text("published")
    monkeypatch.setenv(manifest.FOLDER, str(tmp_path))
    assert manifest.of_version("v3.30.1", said.append) == "published"
    assert "reduced" in said[0] and str(tmp_path) in said[1]
    with pytest.raises(FileNotFoundError):
        manifest.of_version("v0.0.1", said.append)


def test_the_programs_own_tests_pass(machine: Path) -> None:
    go = toolchain.find(recipe.cache_dir(), lambda _text: None)
    words = [go.go, "test", "-mod=readonly", "-trimpath", "-vet=off", "-p", "1", "./..."]
    done = subprocess.run(words, cwd=images.MODULE, env=go.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
