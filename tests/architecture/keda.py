"""What KEDA 2.17 takes of the manifests, by its documentation (keda.sh/docs/2.17/reference and …/scalers/postgresql): no package
brings the schema of its resources. Only what the manifests use is known here; anything else is refused."""

from typing import Any

Schema = dict[str, Any]
# A cluster refuses numbers there: metadata are texts.
TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER_IN_TEXT: Schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}
COUNT: Schema = {"type": "integer", "minimum": 0}


def _object(required: list[str], /, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


METADATA = _object(["name", "namespace"], name=TEXT, namespace=TEXT)
POLICY = _object(
    ["type", "value", "periodSeconds"],
    type={"enum": ["Pods", "Percent"]},
    value={"type": "integer", "minimum": 1},
    periodSeconds={"type": "integer", "minimum": 1, "maximum": 1800},
)
SCALING = _object(
    [],
    stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600},
    selectPolicy={"enum": ["Max", "Min", "Disabled"]},
    policies={"type": "array", "items": POLICY, "minItems": 1},
)
TRIGGER = _object(
    ["type", "metadata"],
    type={"const": "postgresql"},
    name={"type": "string", "pattern": "^[a-z][a-z0-9-]*$"},
    # A fallback works with these two alone.
    metricType={"enum": ["AverageValue", "Value"]},
    authenticationRef=_object(
        ["name"], name=TEXT, kind={"enum": ["TriggerAuthentication", "ClusterTriggerAuthentication"]}
    ),
    metadata=_object(
        ["query", "targetQueryValue"],
        query=TEXT,
        targetQueryValue=NUMBER_IN_TEXT,
        activationTargetQueryValue=NUMBER_IN_TEXT,
    ),
)
SCALED_OBJECT = _object(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "keda.sh/v1alpha1"},
    kind={"const": "ScaledObject"},
    metadata=METADATA,
    spec=_object(
        ["scaleTargetRef", "triggers"],
        scaleTargetRef=_object(["name"], apiVersion=TEXT, kind=TEXT, name=TEXT, envSourceContainerName=TEXT),
        pollingInterval={"type": "integer", "minimum": 1},
        cooldownPeriod=COUNT,
        initialCooldownPeriod=COUNT,
        idleReplicaCount=COUNT,
        minReplicaCount=COUNT,
        maxReplicaCount={"type": "integer", "minimum": 1},
        fallback=_object(
            ["failureThreshold", "replicas"], failureThreshold={"type": "integer", "minimum": 1}, replicas=COUNT
        ),
        advanced=_object(
            [],
            restoreToOriginalReplicaCount={"type": "boolean"},
            horizontalPodAutoscalerConfig=_object(
                [], name=TEXT, behavior=_object([], scaleUp=SCALING, scaleDown=SCALING)
            ),
        ),
        triggers={"type": "array", "items": TRIGGER, "minItems": 1},
    ),
)
AUTHENTICATION = _object(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "keda.sh/v1alpha1"},
    kind={"const": "TriggerAuthentication"},
    metadata=METADATA,
    spec=_object(
        ["secretTargetRef"],
        secretTargetRef={
            "type": "array",
            "items": _object(["parameter", "name", "key"], parameter={"const": "connection"}, name=TEXT, key=TEXT),
            "minItems": 1,
        },
    ),
)
SCHEMAS = {"ScaledObject": SCALED_OBJECT, "TriggerAuthentication": AUTHENTICATION}
