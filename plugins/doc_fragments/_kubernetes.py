# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the connection options, once for all modules that talk to Kubernetes."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of C(module_utils/_kube_args.py)."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig. Without it and O(host), C(~/.kube/config).
      - Uses the E(K8S_AUTH_KUBECONFIG) environment variable if not given.
    type: path
  context:
    description:
      - A context of the kubeconfig. Without it the current one.
      - Uses the E(K8S_AUTH_CONTEXT) environment variable if not given.
    type: str
  host:
    description:
      - URL of the API server. No kubeconfig is read then.
      - Uses the E(K8S_AUTH_HOST) environment variable if not given.
    type: str
  api_key:
    description:
      - A bearer token.
      - Uses the E(K8S_AUTH_API_KEY) environment variable if not given.
    type: str
  ca_cert:
    description:
      - File of the CA that signed the API server's certificate.
      - Uses the E(K8S_AUTH_SSL_CA_CERT) environment variable if not given.
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - File of the client certificate.
      - Uses the E(K8S_AUTH_CERT_FILE) environment variable if not given.
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - File of the client certificate's key.
      - Uses the E(K8S_AUTH_KEY_FILE) environment variable if not given.
    type: path
    aliases: [key_file]
  validate_certs:
    description:
      - Whether the API server's certificate is checked. By default as the kubeconfig says, else it is.
      - Uses the E(K8S_AUTH_VERIFY_SSL) environment variable if not given.
    type: bool
    aliases: [verify_ssl]
requirements:
  - kubernetes (Python library, on the machine where the module runs)
"""
