# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the manifest on the controller, where the definitions of Kubernetes are, before the module writes it."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import FILE_COMMON_ARGUMENTS
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_vip import build_manifest
from ansible_collections.detectviz.infra.plugins.module_utils._kube_vip_settings import (
    ARGUMENT_SPEC,
    REQUIRED_IF,
    read_settings,
)
from ansible_collections.detectviz.infra.plugins.plugin_utils.kubernetes_schema import schema_problems

# The form of a manifest does not depend on the interface, which is known on the node alone.
_ANY_INTERFACE = "eth0"


class ActionModule(ActionBase):
    """Runs the module, unless the manifest has a form that Kubernetes would refuse."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's result, as it is."""
        result = super().run(tmp, task_vars)
        del tmp
        try:
            problems = _problems(self._task.args)
        except ImportError as error:
            needed = "the controller needs the Python package kubernetes >= 37: pip install -r requirements.txt"
            return {**result, "failed": True, "msg": f"The manifest cannot be checked ({error}); {needed}"}
        if problems:
            heading = "The manifest is not of the form that Kubernetes wants:"
            return {**result, "failed": True, "msg": "\n".join([heading, *(f"  - {item}" for item in problems)])}
        result.update(
            self._execute_module(
                module_name="detectviz.infra.kube_vip_manifest", module_args=self._task.args, task_vars=task_vars
            )
        )
        return result


def _problems(arguments: dict[str, Any]) -> list[str]:
    """Problems of the manifest's form; none if the arguments make no manifest, which the module itself reports."""
    spec = {**FILE_COMMON_ARGUMENTS, **ARGUMENT_SPEC}
    checked = ModuleArgumentSpecValidator(spec, required_if=REQUIRED_IF).validate(arguments)
    if checked.error_messages or checked.validated_parameters["state"] == "absent":
        return []
    params = checked.validated_parameters
    try:
        settings = read_settings(params)
    except InfraError:
        return []
    return schema_problems(build_manifest(settings, params["interface"] or _ANY_INTERFACE))
