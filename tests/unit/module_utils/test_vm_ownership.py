# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The marker: tag, line and id agree, or the guest is foreign."""

from __future__ import annotations

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _vm_ownership as marks
from ansible_collections.detectviz.infra.plugins.module_utils._vm_ownership import Ownership

LINE = marks.marker_line("demo", 111, {"template": "9000"})
CLONED = marks.marker_line("demo", 111, {"template": "9000", **marks.CLONED})


@pytest.mark.parametrize(
    ("tags", "description", "expected"),
    [
        (["dvz-site-demo"], LINE, Ownership.OURS),
        (["dvz-site-demo", "k8s"], f"text of a user\n\n{LINE}\n", Ownership.OURS),
        ([], CLONED, Ownership.UNFINISHED),
        (["k8s"], CLONED, Ownership.UNFINISHED),
        (["dvz-site-other"], CLONED, Ownership.FOREIGN),
        ([], LINE, Ownership.FOREIGN),
        (["k8s"], LINE, Ownership.FOREIGN),
        (["dvz-site-demo"], "", Ownership.FOREIGN),
        (["dvz-site-other"], LINE, Ownership.FOREIGN),
        (["dvz-site-demo", "dvz-site-other"], LINE, Ownership.FOREIGN),
        (["dvz-site-demo"], marks.marker_line("demo", 112, {}), Ownership.FOREIGN),
        (["dvz-site-demo"], marks.marker_line("other", 111, {}), Ownership.FOREIGN),
        ([], None, Ownership.FOREIGN),
    ],
)
def test_only_agreement_of_tag_line_and_id_is_ours(tags: list[str], description: str, expected: Ownership) -> None:
    assert marks.ownership("demo", 111, tags, description) is expected


def test_a_tag_that_was_taken_away_is_named() -> None:
    assert marks.explain_foreign("demo", 111, ["k8s"], LINE) == "its tag dvz-site-demo was taken away"


def test_the_users_text_is_kept_beside_the_line() -> None:
    whole = marks.with_marker("Rack 3", LINE)
    assert marks.without_marker(whole) == "Rack 3"
    assert marks.read_marker(whole) == {"site": "demo", "guest": "111", "template": "9000"}


def test_tags_are_compared_sorted_and_in_lower_case() -> None:
    assert marks.split_tags("K8s;web,dvz-site-demo") == ["dvz-site-demo", "k8s", "web"]
