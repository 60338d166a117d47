"""The types that are translated: what is not mechanical about each, as `kind.py` says.

Who adds a type to a template adds its line here, and makes the extract of the provider's schema anew (`extract.py`).
"""

from __future__ import annotations

from tools.package.terraform import edge, foundation, parts, shapes
from tools.package.terraform.kind import Properties, TemplateResource, Translation
from tools.package.terraform.values import Reference

DKIM = "dkim_signing_attributes[0].tokens"


def _shifted(source: TemplateResource) -> Properties:
    """An alias that CodeDeploy moves is left where it is."""
    if not source.is_shifted:
        return {}
    return {"ignore_changes": [Reference("function_version"), Reference("routing_config")]}


def _tokens() -> dict[str, str]:
    """The three records of DKIM, by the names that CloudFormation has for them."""
    names = {f"DkimDNSTokenName{n + 1}": f"${{{{}}.{DKIM}[{n}]}}._domainkey.${{{{}}.email_identity}}" for n in range(3)}
    values = {f"DkimDNSTokenValue{n + 1}": f"${{{{}}.{DKIM}[{n}]}}.dkim.amazonses.com" for n in range(3)}
    return names | values


KINDS: dict[str, Translation] = {
    **edge.KINDS,
    **foundation.KINDS,
    "AWS::ApiGateway::Deployment": Translation(
        "aws_api_gateway_deployment",
        shape=shapes.deployment,
        lifecycle=lambda _: {"create_before_destroy": True},
    ),
    "AWS::ApiGateway::RestApi": Translation("aws_api_gateway_rest_api", shape=shapes.api),
    "AWS::ApiGateway::Stage": Translation(
        "aws_api_gateway_stage",
        ref="stage_name",
        renamed={"TracingEnabled": "xray_tracing_enabled", "AccessLogSetting": "access_log_settings"},
        parts={"MethodSettings": parts.method_settings},
        part_types=("aws_api_gateway_method_settings",),
    ),
    "AWS::CloudFront::Distribution": Translation(
        "aws_cloudfront_distribution",
        attributes={"DomainName": "domain_name"},
        renamed={
            "DistributionConfig": "",
            "DistributionConfig.Origins": "origin",
            "DistributionConfig.Origins.Id": "origin_id",
            "DistributionConfig.Origins.OriginCustomHeaders": "custom_header",
            "DistributionConfig.Origins.OriginCustomHeaders.HeaderName": "name",
            "DistributionConfig.Origins.OriginCustomHeaders.HeaderValue": "value",
            "DistributionConfig.DefaultCacheBehavior.FunctionAssociations": "function_association",
            "DistributionConfig.IPV6Enabled": "is_ipv6_enabled",
        },
        shape=shapes.distribution,
    ),
    "AWS::CloudFront::OriginAccessControl": Translation(
        "aws_cloudfront_origin_access_control", renamed={"OriginAccessControlConfig": ""}
    ),
    "AWS::CloudWatch::Alarm": Translation(
        "aws_cloudwatch_metric_alarm", ref="alarm_name", shape=shapes.alarm, attributes={"Arn": "arn"}
    ),
    "AWS::CloudWatch::Dashboard": Translation("aws_cloudwatch_dashboard", shape=shapes.dashboard),
    "AWS::CodeDeploy::Application": Translation("aws_codedeploy_app", ref="name", named="name"),
    "AWS::CodeDeploy::DeploymentGroup": Translation(
        "aws_codedeploy_deployment_group",
        ref="deployment_group_name",
        renamed={"ApplicationName": "app_name"},
        named="deployment_group_name",
        shape=shapes.deployment_group,
    ),
    "AWS::DynamoDB::Table": Translation(
        "aws_dynamodb_table",
        ref="name",
        renamed={
            "TableName": "name",
            "TimeToLiveSpecification": "ttl",
            "PointInTimeRecoverySpecification": "point_in_time_recovery",
            "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": "enabled",
            "SSESpecification": "server_side_encryption",
            "SSESpecification.SSEEnabled": "enabled",
            "SSESpecification.KMSMasterKeyId": "kms_key_arn",
            "SSESpecification.SSEType": None,  # KMS, which is the only one
        },
        shape=shapes.table,
        lifecycle=foundation.scaled,
    ),
    "AWS::Events::EventBus": Translation("aws_cloudwatch_event_bus", ref="name"),
    "AWS::Events::Rule": Translation(
        "aws_cloudwatch_event_rule",
        ref="name",
        named="name",
        parts={"Targets": parts.targets},
        part_types=("aws_cloudwatch_event_target",),
    ),
    "AWS::IAM::Role": Translation(
        "aws_iam_role",
        ref="name",
        renamed={"AssumeRolePolicyDocument": "assume_role_policy", "RoleName": "name"},
        named="name",
        parts={"Policies": parts.inline_policies, "ManagedPolicyArns": parts.managed_policies},
        part_types=("aws_iam_role_policy", "aws_iam_role_policy_attachment"),
    ),
    "AWS::KMS::Alias": Translation("aws_kms_alias", ref="name", renamed={"AliasName": "name"}),
    "AWS::KMS::Key": Translation("aws_kms_key", ref="key_id", renamed={"KeyPolicy": "policy"}),
    "AWS::Lambda::Alias": Translation(
        "aws_lambda_alias",
        ref="arn",
        lifecycle=_shifted,
        parts={"ProvisionedConcurrencyConfig": foundation.warm},
        part_types=("aws_lambda_provisioned_concurrency_config",),
    ),
    "AWS::Lambda::EventInvokeConfig": Translation("aws_lambda_function_event_invoke_config"),
    "AWS::Lambda::EventSourceMapping": Translation(
        "aws_lambda_event_source_mapping",
        renamed={
            "DestinationConfig.OnFailure.Destination": "destination_arn",
            "FilterCriteria.Filters": "filter",
        },
    ),
    "AWS::Lambda::Function": Translation(
        "aws_lambda_function", ref="function_name", named="function_name", shape=shapes.function
    ),
    "AWS::Lambda::Permission": Translation("aws_lambda_permission", shape=shapes.permission),
    # A version is published with its function.
    "AWS::Lambda::Version": Translation("", ref="qualified_arn"),
    "AWS::Logs::LogGroup": Translation(
        "aws_cloudwatch_log_group", ref="name", attributes={"Arn": "${{}.arn}:*"}, renamed={"LogGroupName": "name"}
    ),
    "AWS::Logs::QueryDefinition": Translation("aws_cloudwatch_query_definition"),
    "AWS::S3::Bucket": Translation(
        "aws_s3_bucket",
        attributes={"RegionalDomainName": "bucket_regional_domain_name"},
        renamed={"BucketName": "bucket"},
        unprotected={"force_destroy": True},
        parts={
            "PublicAccessBlockConfiguration": parts.of_bucket("aws_s3_bucket_public_access_block"),
            "OwnershipControls": parts.of_bucket("aws_s3_bucket_ownership_controls", {"Rules": "rule"}),
            "BucketEncryption": parts.of_bucket(
                "aws_s3_bucket_server_side_encryption_configuration",
                {
                    "ServerSideEncryptionConfiguration": "rule",
                    "ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault": (
                        "apply_server_side_encryption_by_default"
                    ),
                    "ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.KMSMasterKeyID": (
                        "kms_master_key_id"
                    ),
                },
            ),
            "VersioningConfiguration": parts.of_bucket("aws_s3_bucket_versioning", block="VersioningConfiguration"),
            "LifecycleConfiguration": parts.lifecycle_rules,
            "CorsConfiguration": parts.of_bucket(
                "aws_s3_bucket_cors_configuration",
                {
                    "CorsRules": "cors_rule",
                    "CorsRules.ExposedHeaders": "expose_headers",
                    "CorsRules.MaxAge": "max_age_seconds",
                },
            ),
        },
        part_types=(
            "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_ownership_controls",
            "aws_s3_bucket_server_side_encryption_configuration",
            "aws_s3_bucket_versioning",
            "aws_s3_bucket_lifecycle_configuration",
            "aws_s3_bucket_cors_configuration",
        ),
    ),
    "AWS::S3::BucketPolicy": Translation("aws_s3_bucket_policy", renamed={"PolicyDocument": "policy"}),
    "AWS::SES::ConfigurationSet": Translation(
        "aws_sesv2_configuration_set", ref="configuration_set_name", renamed={"Name": "configuration_set_name"}
    ),
    "AWS::SES::ConfigurationSetEventDestination": Translation(
        "aws_sesv2_configuration_set_event_destination", shape=shapes.event_destination
    ),
    "AWS::SES::EmailIdentity": Translation("aws_sesv2_email_identity", ref="email_identity", attributes=_tokens()),
    "AWS::SNS::Subscription": Translation("aws_sns_topic_subscription", ref="arn"),
    "AWS::SNS::Topic": Translation("aws_sns_topic", ref="arn", renamed={"TopicName": "name"}),
    "AWS::SNS::TopicPolicy": Translation("aws_sns_topic_policy", renamed={"Topics": "arn", "PolicyDocument": "policy"}),
    "AWS::SQS::Queue": Translation(
        "aws_sqs_queue",
        ref="url",
        renamed={"QueueName": "name", "MessageRetentionPeriod": "message_retention_seconds"},
    ),
    "AWS::SQS::QueuePolicy": Translation(
        "aws_sqs_queue_policy", renamed={"Queues": "queue_url", "PolicyDocument": "policy"}
    ),
    "AWS::SecretsManager::RotationSchedule": Translation(
        "aws_secretsmanager_secret_rotation", renamed={"RotateImmediatelyOnUpdate": "rotate_immediately"}
    ),
    "AWS::SecretsManager::Secret": Translation(
        "aws_secretsmanager_secret",
        ref="arn",
        unprotected={"recovery_window_in_days": 0},
        shape=edge.secret,
        parts={"GenerateSecretString": parts.generated_secret},
        part_types=("aws_secretsmanager_secret_version", "data.aws_secretsmanager_random_password"),
    ),
}


def terraform_types() -> set[str]:
    """Every type of Terraform's resources that may be made."""
    return {name for kind in KINDS.values() for name in (kind.terraform, *kind.part_types) if name}
