# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manifest checked against the definitions of Kubernetes' own API, offline.

The definitions are the models of the ``kubernetes`` package, which are generated from the OpenAPI document of a release.
"""

from __future__ import annotations

from typing import Any

_MODELS = {("v1", "Pod"): "V1Pod", ("apps/v1", "DaemonSet"): "V1DaemonSet"}


def schema_problems(manifest: dict[str, Any]) -> list[str]:
    """What the API would refuse for its form: unknown fields, wrong types, missing ones; each with its place.

    Raises ImportError if the package is not installed, or older than its models.
    """
    from kubernetes.client import models
    from pydantic import ValidationError

    model = getattr(models, _MODELS[manifest["apiVersion"], manifest["kind"]])
    try:
        read = model.model_validate(manifest)
    except ValidationError as error:
        return [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
    # The models also take Python's names of fields, such as host_path, which the API does not know.
    taken = read.model_dump(by_alias=True, exclude_none=True)
    return [f"{key}: is spelt differently" for key in manifest if manifest[key] != taken.get(key)]
