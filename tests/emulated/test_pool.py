"""A guest that exists comes into the pool that the table names now, or the run says before it begins why it cannot."""

from __future__ import annotations

from tests.emulated.clone_runs import Site, row

GUESTS = (
    "VM.Allocate,VM.Audit,VM.PowerMgmt,VM.GuestAgent.Audit,VM.GuestAgent.FileRead,Pool.Audit,"
    "VM.Config.CPU,VM.Config.Memory,VM.Config.Disk,VM.Config.CDROM,VM.Config.Network,VM.Config.HWType,"
    "VM.Config.Options,VM.Config.Cloudinit"
)
GIVEN = {
    "/vms/9000": "VM.Clone,VM.Audit",
    "/storage/local-lvm": "Datastore.AllocateSpace,Datastore.Audit",
    "/sdn/zones/localnetwork/vmbr0": "SDN.Use",
}


def token_of_two_pools(site: Site, first_id: int) -> Site:
    """The site with a token that may make guests in two pools, and no more."""
    api, user = site.pve.api(), f"p{first_id}@pve"
    api.access.users.post(userid=user)
    secret = api.access.users(user).token("small").post(privsep=0)["value"]
    pools = (f"a{first_id}", f"b{first_id}")
    for pool in pools:
        api.pools.post(poolid=pool)
    given = {**GIVEN, **{f"/pool/{pool}": GUESTS for pool in pools}}
    for number, (path, privileges) in enumerate(given.items()):
        api.access.roles.post(roleid=f"P{first_id}n{number}", privs=privileges)
        api.access.acl.put(path=path, users=user, roles=f"P{first_id}n{number}")
    return Site(site.pve, site.folder, site.name, (user, "small", secret))


def test_a_guest_is_moved_to_another_pool_by_a_token_that_may(site: Site, first_id: int) -> None:
    small, old, new = token_of_two_pools(site, first_id), f"a{first_id}", f"b{first_id}"
    made = small.run([row(first_id, pool=old)])
    assert not made.failed, made.message
    refused = small.run([row(first_id, pool=new)])
    assert refused.failed and refused.writes() == {}
    assert f"lacks Pool.Allocate on /pool/{new}, needed for moving guest-{first_id} into it" in refused.message

    site.pve.api().access.roles.post(roleid=f"P{first_id}move", privs="Pool.Allocate")
    site.pve.api().access.acl.put(path=f"/pool/{new}", users=f"p{first_id}@pve", roles=f"P{first_id}move")
    moved = small.run([row(first_id, pool=new)])
    assert not moved.failed, moved.message
    assert moved.effects(first_id)["pool"]
    rows = site.pve.api().cluster.resources.get(type="vm")
    assert {entry["vmid"]: entry.get("pool") for entry in rows}[first_id] == new
    assert not small.run([row(first_id, pool=new)]).changed


def test_a_pool_that_is_not_there_is_told_before_an_existing_guest_is_touched(site: Site, first_id: int) -> None:
    assert not site.run([row(first_id)]).failed
    refused = site.run([row(first_id, pool=f"none{first_id}", cores=4)])
    assert refused.failed and refused.writes() == {}
    assert f"pool none{first_id} does not exist" in refused.message
