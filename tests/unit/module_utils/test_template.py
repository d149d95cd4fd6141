# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates: options to configuration, the shape of an existing one, and the steps that are left."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _property_string as properties
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_session import Connection
from ansible_collections.detectviz.infra.plugins.module_utils._template_apply import observe
from ansible_collections.detectviz.infra.plugins.module_utils._template_plan import (
    Observed,
    plan_template,
    with_planned,
)
from ansible_collections.detectviz.infra.plugins.module_utils._template_shape import describe, findings
from ansible_collections.detectviz.infra.plugins.module_utils._template_spec import (
    TemplateOptionError,
    TemplateSpec,
    create_parameters,
    image_filename,
    image_volume,
    is_ours,
    parse_image,
)
from ansible_collections.detectviz.infra.plugins.modules import proxmox_vm_template as module
from hypothesis import given
from hypothesis import strategies as st

DIGEST = "ab" * 32
IMAGE = {"url": "https://images.example.net/jammy-server-cloudimg-amd64.img", "checksum": f"sha256:{DIGEST}"}
STORAGES = {
    "fast": {"content": "images,rootdir", "active": 1},
    "local": {"content": "iso,import", "active": 1},
}


def spec(**options: object) -> TemplateSpec:
    base = TemplateSpec("ubuntu", 9000, "pve1", "fast", "local", parse_image(IMAGE))
    return replace(base, **options)


def built(**changes: object) -> dict:
    """The configuration of a template that this module made."""
    config = {key: value for key, value in create_parameters(spec()).items() if key != "vmid"}
    return config | {"template": 1, "scsi0": "fast:base-9000-disk-1,discard=on,size=2252M"} | changes


def present(config: dict | None, **seen: object) -> Observed:
    row = {"vmid": 9000, "node": "pve1", "type": "qemu"} if config is not None else None
    return Observed(resource=row, config=config, storages=STORAGES, **seen)


def test_an_architecture_that_proxmox_would_refuse_later_is_told_before_anything_is_fetched() -> None:
    plan = plan_template(spec(arch="aarch64"), present(None), identity="ops@pve!plan")
    assert plan.steps == []
    assert "only root@pam itself" in plan.problems[0] and "this is ops@pve!plan" in plan.problems[0]
    assert plan.problems[1].endswith("set cloud_init_drive: scsi2") and plan.problems[2].endswith("set machine: virt")
    fitting = spec(arch="aarch64", machine="virt", cloud_init_drive="scsi2")
    assert plan_template(fitting, present(None), identity="root@pam").problems == []
    assert plan_template(fitting, present(built(arch="aarch64")), identity="ops@pve!plan").problems == []


def test_the_documented_shape_is_created() -> None:
    parameters = create_parameters(spec(user="ubuntu"))
    assert parameters["bios"] == "ovmf"
    assert parameters["machine"] == "q35"
    assert parameters["efidisk0"] == "fast:1,efitype=4m,pre-enrolled-keys=0"
    assert parameters["scsihw"] == "virtio-scsi-pci"
    assert properties.parse(parameters["scsi0"], "file") == {
        "file": "fast:0",
        "import-from": image_volume(spec()),
        "discard": "on",
    }
    assert parameters["ide2"] == "fast:cloudinit"
    assert (parameters["serial0"], parameters["vga"], parameters["boot"]) == ("socket", "serial0", "order=scsi0")
    assert parameters["ciuser"] == "ubuntu"
    assert is_ours(parameters, 9000)


def test_content_that_is_only_planned_counts_in_a_check_run() -> None:
    storages = {**STORAGES, "local": {"content": "iso", "active": 1}}
    seen = Observed(storages=storages)
    assert "does not take content 'import'" in plan_template(spec(), seen).problems[0]
    assert plan_template(spec(), with_planned(seen, {"local": ["snippets", "import"]})).problems == []


def test_a_vendor_snippet_is_named_for_cloud_init() -> None:
    assert create_parameters(spec(vendor_snippet="local:snippets/a.yml"))["cicustom"] == "vendor=local:snippets/a.yml"


def test_seabios_needs_no_efi_disk() -> None:
    assert "efidisk0" not in create_parameters(spec(bios="seabios"))


def test_what_is_not_asked_for_is_not_sent() -> None:
    assert not {"net0", "pool", "ciuser", "arch", "cpu", "cicustom"} & set(create_parameters(spec()))


@pytest.mark.parametrize("checksum", ["", DIGEST, "sha256:xyz", "sha256:abcd", "crc32:" + DIGEST])
def test_a_checksum_that_proves_nothing_is_refused(checksum: str) -> None:
    with pytest.raises(TemplateOptionError, match="checksum"):
        parse_image(IMAGE | {"checksum": checksum})


def test_an_image_with_another_checksum_has_another_name() -> None:
    assert image_filename(IMAGE["url"], DIGEST) == "jammy-server-cloudimg-amd64-abababababab.qcow2"


@given(st.text(), st.sampled_from([DIGEST, "cd" * 32]))
def test_any_url_gives_a_name_that_proxmox_imports(url: str, digest: str) -> None:
    try:
        name = image_filename(url, digest)
    except ValueError:
        return  # urlsplit refuses it, as it is no URL
    assert parse_image({"url": url, "checksum": f"sha256:{digest}", "filename": name}).filename == name


def test_on_an_empty_node_image_and_vm_are_made() -> None:
    plan = plan_template(spec(), present(None))
    assert plan.steps == ["download", "create", "convert"]
    assert plan.before == {}
    assert plan.after["template"] == 1


def test_a_downloaded_image_is_not_fetched_again() -> None:
    plan = plan_template(spec(), present(None, import_volumes=[image_volume(spec())]))
    assert plan.steps == ["create", "convert"]


def test_a_finished_template_needs_nothing() -> None:
    plan = plan_template(spec(), present(built()))
    assert (plan.steps, plan.problems, plan.warnings) == ([], [], [])
    assert plan.before == plan.after


def test_a_users_own_template_of_another_shape_is_taken() -> None:
    config = {
        "name": "ubuntu",
        "template": 1,
        "boot": "order=scsi0;net0",
        "scsi0": "fast:base-9000-disk-0,size=10G",
        "ide2": "local:9000/vm-9000-cloudinit.qcow2,media=cdrom",
        "agent": "1",
        "serial0": "socket",
    }
    plan = plan_template(spec(image=None), present(config))
    assert (plan.steps, plan.problems) == ([], [])
    assert describe(config)["bios"] == "seabios"
    assert describe(config)["cloud_init_drive"] == "ide2"


def test_a_template_without_cloud_init_drive_is_told_since_each_clone_gets_one() -> None:
    config = built()
    del config["ide2"]
    plan = plan_template(spec(), present(config))
    assert plan.problems == []
    assert ["each clone is given one" in warning for warning in plan.warnings] == [True]


def test_a_template_without_agent_is_told() -> None:
    plan = plan_template(spec(), present(built(agent="enabled=0")))
    assert plan.problems == []
    assert "guest agent" in plan.warnings[0]


def test_a_half_made_template_of_ours_is_converted() -> None:
    assert plan_template(spec(), present(built(template=0))).steps == ["convert"]


def test_a_half_made_template_without_disk_is_made_anew() -> None:
    config = built(template=0)
    del config["scsi0"]
    assert plan_template(spec(), present(config)).steps == ["destroy", "download", "create", "convert"]


def test_a_strangers_vm_is_never_touched() -> None:
    plan = plan_template(spec(), present({"name": "ubuntu", "scsi0": "fast:vm-9000-disk-0", "ide2": "fast:cloudinit"}))
    assert plan.steps == []
    assert "not made by this collection" in plan.problems[0]


def test_a_vm_that_was_cloned_from_our_template_is_not_ours() -> None:
    assert not is_ours(built(), 9001)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"vmid": 9000, "node": "pve1", "type": "lxc"}, "is a container"),
        ({"vmid": 9000, "node": "pve2", "type": "qemu"}, "it is on pve2"),
    ],
)
def test_an_id_that_is_taken_elsewhere_is_told(row: dict, expected: str) -> None:
    assert expected in plan_template(spec(), Observed(resource=row, storages=STORAGES)).problems[0]


def test_a_killed_creation_says_how_to_unlock() -> None:
    assert "qm unlock 9000" in plan_template(spec(), present(built(template=0, lock="create"))).problems[0]


def test_a_running_task_is_waited_for_not_fought() -> None:
    assert (
        "still running" in plan_template(spec(), present(built(template=0, lock="create"), busy="qmcreate")).problems[0]
    )


def test_all_storage_problems_are_told_at_once() -> None:
    storages = {"local": {"content": "iso", "active": 0}}
    plan = plan_template(spec(), Observed(storages=storages))
    assert plan.steps == []
    assert len(plan.problems) == 3
    assert "pvesm set local --content iso,import" in plan.problems[2]


def test_without_an_image_a_missing_template_cannot_be_made() -> None:
    assert "gives no image" in plan_template(spec(image=None), present(None)).problems[0]


def test_only_our_template_is_removed() -> None:
    assert plan_template(spec(), present(built()), "absent").steps == ["destroy"]
    assert plan_template(spec(), present(None), "absent").steps == []
    foreign = plan_template(spec(), present(built(tags="")), "absent")
    assert foreign.steps == []
    assert "never removed" in foreign.problems[0]


def test_secrets_are_not_in_the_diff() -> None:
    plan = plan_template(spec(), present(built(cipassword="**********", sshkeys="ssh-ed25519%20AAAA")))
    assert not {"cipassword", "sshkeys"} & set(plan.before)


@given(
    st.dictionaries(
        st.sampled_from(["scsi0", "ide2", "agent", "boot", "bios", "serial0", "template"]),
        st.sampled_from(["0", "1", "fast:vm-1-disk-0", "fast:cloudinit,media=cdrom", "order=scsi0"]),
    )
)
def test_any_configuration_is_judged(config: dict) -> None:
    fatal = any(finding.fatal for finding in findings(config, "it"))
    shape = describe(config)
    assert fatal == (shape["system_disk"] is None)


def test_an_id_per_node_is_a_number() -> None:
    client = ProxmoxClient(Connection("127.0.0.1", 1, token_id="me@pve!one", token_secret="x"))
    assert module._places(client, {"nodes": {"pve1": 9001, "pve2": "9002"}}, []) == {"pve1": 9001, "pve2": 9002}
    with pytest.raises(InfraError, match="nodes.pve: abc is no id; write a number from 100 to 999999999"):
        module._places(client, {"nodes": {"pve": "abc"}}, [])


class Node:
    """A node with an unfinished template, on which tasks run; stands for the API client."""

    def __init__(self, *kinds: str) -> None:
        self.tasks = [{"upid": f"UPID:pve:A:B:6550:{kind}:9000:root@pam:", "type": kind} for kind in kinds]

    def get(self, path: str, **parameters: object) -> object:
        if path.endswith("/config"):
            return {"name": "template"}
        return self.tasks if path.endswith("/tasks") else []


@pytest.mark.parametrize(("kinds", "busy"), [(["vncproxy"], None), (["vncproxy", "qmcreate"], "qmcreate"), ([], None)])
def test_an_open_console_keeps_no_template_from_being_finished(kinds: list[str], busy: str | None) -> None:
    wanted = spec()
    rows = [{"vmid": wanted.vm_id, "type": "qemu", "node": wanted.node}]
    assert observe(Node(*kinds), wanted, rows).busy == busy
