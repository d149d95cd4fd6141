# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of modules that talk to Kubernetes, under kubernetes.core's names, and the client made from them."""

from __future__ import annotations

import traceback
from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_api import HAS_KUBERNETES, KubeApi, configuration_of


def kube_argument_spec() -> dict[str, dict[str, Any]]:
    """Options of the ``_kubernetes`` documentation fragment; each falls back to kubernetes.core's variable."""

    def fallback(name: str) -> tuple[Any, list[str]]:
        return (env_fallback, [f"K8S_AUTH_{name}"])

    return {
        "kubeconfig": {"type": "path", "fallback": fallback("KUBECONFIG")},
        "context": {"type": "str", "fallback": fallback("CONTEXT")},
        "host": {"type": "str", "fallback": fallback("HOST")},
        "api_key": {"type": "str", "no_log": True, "fallback": fallback("API_KEY")},
        "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"], "fallback": fallback("SSL_CA_CERT")},
        "client_cert": {"type": "path", "aliases": ["cert_file"], "fallback": fallback("CERT_FILE")},
        "client_key": {"type": "path", "aliases": ["key_file"], "fallback": fallback("KEY_FILE")},
        "validate_certs": {"type": "bool", "aliases": ["verify_ssl"], "fallback": fallback("VERIFY_SSL")},
    }


def kube_api_of(module: AnsibleModule, manager: str = "detectviz.infra") -> KubeApi:
    """The client for a module's options. Fails the module when the library is missing or a file cannot be used."""
    if not HAS_KUBERNETES:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=traceback.format_exc())
    try:
        configuration = configuration_of(module.params, module.tmpdir)
    except InfraError as error:
        module.fail_json(msg=str(error))
    if configuration.verify_ssl is False:
        module.warn(
            f"The certificate of {configuration.host} is not checked: anyone on the way can act as the API server. "
            f"Give ca_cert, or a kubeconfig that holds it."
        )
    return KubeApi(configuration, manager)
