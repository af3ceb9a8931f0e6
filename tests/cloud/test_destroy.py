"""CI's stage `destroy`: what it takes down, it may; it takes down no identity, and may do nothing besides."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from tests.cloud.infra import CLOUDS, Module, modules, rendered

# What `poe destroy --keep-identities` names to Terraform; all that depends on it goes too.
TAKEN_DOWN = ("alerts", "service", "registry", "storage")
Node = tuple[str, str, str]  # module, type, name

# What each cloud asks for when Terraform's provider deletes a resource of a type.
NEEDS = {
    "aws": {
        "aws_s3_bucket": "s3:DeleteBucket s3:ListBucket s3:ListBucketVersions s3:DeleteObject s3:DeleteObjectVersion",
        "aws_s3_bucket_lifecycle_configuration": "s3:PutLifecycleConfiguration",
        "aws_s3_bucket_ownership_controls": "s3:PutBucketOwnershipControls",
        "aws_s3_bucket_policy": "s3:DeleteBucketPolicy",
        "aws_s3_bucket_public_access_block": "s3:PutBucketPublicAccessBlock",
        "aws_s3_bucket_server_side_encryption_configuration": "s3:PutEncryptionConfiguration",
        "aws_s3_bucket_versioning": "s3:PutBucketVersioning",
        "aws_ecr_repository": "ecr:DeleteRepository ecr:BatchDeleteImage ecr:ListImages",
        "aws_ecr_lifecycle_policy": "ecr:DeleteLifecyclePolicy",
        "aws_ecs_cluster": "ecs:DeleteCluster",
        "aws_ecs_service": "ecs:UpdateService ecs:DeleteService",
        "aws_ecs_task_definition": "",  # skip_destroy: revisions cost nothing
        "aws_cloudwatch_log_group": "logs:DeleteLogGroup",
        "aws_cloudwatch_metric_alarm": "cloudwatch:DeleteAlarms",
        "aws_sns_topic": "sns:DeleteTopic",
        "aws_sns_topic_subscription": "sns:Unsubscribe",
        "aws_appautoscaling_target": "application-autoscaling:DeregisterScalableTarget",
        "aws_appautoscaling_policy": "application-autoscaling:DeleteScalingPolicy cloudwatch:DeleteAlarms",
        "aws_appautoscaling_scheduled_action": "application-autoscaling:DeleteScheduledAction",
        "aws_apigatewayv2_api": "apigateway:DELETE",
        "aws_apigatewayv2_integration": "apigateway:DELETE",
        "aws_apigatewayv2_route": "apigateway:DELETE",
        "aws_apigatewayv2_stage": "apigateway:DELETE logs:GetLogDelivery logs:ListLogDeliveries logs:DeleteLogDelivery",
        "aws_apigatewayv2_vpc_link": "apigateway:DELETE",
        "aws_vpc": "ec2:DeleteVpc",
        "aws_subnet": "ec2:DeleteSubnet ec2:DescribeNetworkInterfaces",
        "aws_default_security_group": "",  # goes with its network
        "aws_internet_gateway": "ec2:DetachInternetGateway ec2:DeleteInternetGateway",
        "aws_route_table": "ec2:DeleteRouteTable",
        "aws_route_table_association": "ec2:DisassociateRouteTable",
        "aws_security_group": "ec2:DeleteSecurityGroup ec2:DescribeNetworkInterfaces",
        "aws_vpc_security_group_egress_rule": "ec2:RevokeSecurityGroupEgress",
        "aws_vpc_security_group_ingress_rule": "ec2:RevokeSecurityGroupIngress",
        "aws_service_discovery_private_dns_namespace": (
            "servicediscovery:DeleteNamespace servicediscovery:GetOperation route53:DeleteHostedZone"
        ),
        "aws_service_discovery_service": "servicediscovery:DeleteService",
        "terraform_data": "",  # no cloud knows it
    },
    "gcp": {
        "google_storage_bucket": (
            "storage.buckets.delete storage.objects.list storage.objects.delete storage.anywhereCaches.list"
        ),
        "google_storage_bucket_iam_member": "storage.buckets.setIamPolicy",
        "google_artifact_registry_repository": "artifactregistry.repositories.delete",
        "google_artifact_registry_repository_iam_member": "artifactregistry.repositories.setIamPolicy",
        "google_cloud_run_v2_service": "run.services.get run.services.delete",
        "google_cloud_run_v2_service_iam_member": "run.services.getIamPolicy run.services.setIamPolicy",
        "google_logging_project_bucket_config": "logging.buckets.delete",
        "google_logging_project_sink": "logging.sinks.delete",
        "google_monitoring_alert_policy": "monitoring.alertPolicies.delete",
        "google_monitoring_notification_channel": "monitoring.notificationChannels.delete",
        "terraform_data": "",
    },
    "azure": {
        "azurerm_container_app": "Microsoft.App/containerApps/delete Microsoft.App/containerApps/listSecrets/action",
        "azurerm_container_app_environment": "Microsoft.App/managedEnvironments/delete",
        "azurerm_container_registry": "Microsoft.ContainerRegistry/registries/delete",
        "azurerm_container_registry_task": "Microsoft.ContainerRegistry/registries/tasks/delete",
        "azurerm_log_analytics_workspace": "Microsoft.OperationalInsights/workspaces/delete",
        "azurerm_monitor_action_group": "Microsoft.Insights/actionGroups/delete",
        "azurerm_monitor_metric_alert": "Microsoft.Insights/metricAlerts/delete",
        "azurerm_role_assignment": "Microsoft.Authorization/roleAssignments/delete",
        "azurerm_storage_account": "Microsoft.Storage/storageAccounts/delete",
        "azurerm_storage_container": "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
        "azurerm_storage_management_policy": "Microsoft.Storage/storageAccounts/managementPolicies/delete",
        "terraform_data": "",
    },
}


@pytest.fixture(scope="module", params=CLOUDS)
def cloud(request: pytest.FixtureRequest) -> str:
    """Each cloud."""
    return str(request.param)


@pytest.fixture(scope="module")
def parts(cloud: str, template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Module]:
    """infra/ on it, with a CI."""
    return modules(rendered(template, tmp_path_factory.mktemp(cloud) / "churn", cloud=cloud, ci="github"))


class Graph:
    """What depends on what, as Terraform works it out: by references, through variables, outputs and locals."""

    def __init__(self, parts: dict[str, Module]) -> None:
        self.parts = parts
        self.calls = parts[""].named("module")
        self.bodies = {
            (name, block.type, block.name): json.dumps(block.body)
            for name, module in parts.items()
            for block in module.blocks
        }
        self.kinds = {(n, b.type, b.name): b.kind for n, module in parts.items() for b in module.blocks}

    @cache  # noqa: B019 - a few objects a test session
    def leads_to(self, module: str, text: str) -> frozenset[Node]:
        """What an expression in a module refers to."""
        found = {(module, *pair) for pair in re.findall(r"\b((?:aws|google|azurerm|terraform)_\w+)\.(\w+)", text)}
        found &= set(self.bodies)
        for name in re.findall(r"\bvar\.(\w+)", text) if module else []:
            found |= self.leads_to("", json.dumps(self.calls[module][name]))
        for name in re.findall(r"\blocal\.(\w+)", text):
            found |= self.leads_to(module, json.dumps(self.parts[module].locals[name]))
        for name, output in re.findall(r"\bmodule\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?", text):
            if output:
                found |= self.leads_to(name, json.dumps(self.parts[name].named("output")[output]["value"]))
            else:
                found |= {node for node in self.bodies if node[0] == name}
        return frozenset(found)

    def needs(self, node: Node) -> frozenset[Node]:
        """What a resource comes after."""
        call = self.calls.get(node[0], {})
        around = json.dumps([call.get("depends_on"), call.get("count")])
        return self.leads_to(node[0], self.bodies[node]) | self.leads_to("", around)

    def taken_down_with(self, names: tuple[str, ...]) -> set[Node]:
        """The resources of these modules, and all that come after one of them."""
        gone = {node for node in self.bodies if node[0] in names}
        while more := {node for node in self.bodies if node not in gone and self.needs(node) & gone}:
            gone |= more
        return {node for node in gone if self.kinds[node] == "resource"}


def granted(cloud: str, destroy: Module) -> set[str]:
    """What the identity that takes things down may do, besides reading settings and using the state."""
    if cloud == "aws":
        policy = destroy.block("aws_iam_policy_document", "destroy")
        return {action for statement in policy["statement"] for action in statement["actions"]}
    if cloud == "gcp":
        roles = (destroy.block("google_project_iam_custom_role", name) for name in ("destroy", "destroy_data"))
        return {permission for role in roles for permission in role["permissions"]}
    (permissions,) = destroy.block("azurerm_role_definition", "destroy")["permissions"]
    return set(permissions["actions"]) - {"*/read"}


def test_what_the_stage_takes_down_it_may_and_nothing_besides(cloud: str, parts: dict[str, Module]) -> None:
    kinds = {type_ for _, type_, _ in Graph(parts).taken_down_with(TAKEN_DOWN)}
    assert kinds == set(NEEDS[cloud])
    assert granted(cloud, parts["destroy"]) == {action for kind in kinds for action in NEEDS[cloud][kind].split()}


def test_who_may_do_what_outlives_the_stage(parts: dict[str, Module]) -> None:
    gone = Graph(parts).taken_down_with(TAKEN_DOWN)
    assert {name for name, _, _ in gone} <= {*TAKEN_DOWN, "identity"}
    # Of `identity`, only rights that are kept at what goes go with it: no role, account, or trust.
    assert {type_ for name, type_, _ in gone if name == "identity"} <= {
        "google_storage_bucket_iam_member",
        "google_artifact_registry_repository_iam_member",
        "azurerm_role_assignment",
    }


def test_a_reference_the_wrong_way_would_be_found(cloud: str, parts: dict[str, Module]) -> None:
    graph = Graph(parts)
    name, output = {"aws": ("bucket", "bucket"), "gcp": ("bucket", "bucket"), "azure": ("group", "account")}[cloud]
    planted = {**graph.calls["destroy"], name: f"${{module.storage.{output}}}"}
    graph.calls = {**graph.calls, "destroy": planted}
    assert "destroy" in {name for name, _, _ in graph.taken_down_with(TAKEN_DOWN)}


def test_the_task_names_these_modules(parts: dict[str, Module]) -> None:
    text = (parts[""].folder.parent / "kit/src/mlops_kit/delivery/deploy.py").read_text(encoding="utf-8")
    (told,) = re.findall(r'KEEPING_IDENTITIES = \[f"-target=module\.\{name\}" for name in \((.*)\)\]', text)
    assert told == ", ".join(f'"{name}"' for name in TAKEN_DOWN)
