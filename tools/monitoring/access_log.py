"""What API Gateway writes down of each request: one JSON object a line, none of the people it is about but their ip.

`path` is the route's, such as /orders/{order_id}, so that no id gets into a log that is kept and shown to others; the
`requestId` finds the app's own lines, which say whose request it was. API Gateway writes "-" for what there is not,
hence every value stands in quotation marks.
"""

import json
from typing import Any

FIELDS = {
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "caller": "$context.identity.caller",
    "requestTime": "$context.requestTime",
    "method": "$context.httpMethod",
    "path": "$context.resourcePath",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "latency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integrationStatus",
    "error": "$context.error.responseType",
    "xrayTraceId": "$context.xrayTraceId",
}
GROUP = "ApiAccessLogs"


def setting() -> dict[str, Any]:
    """The AccessLogSetting of the API's stage. The account needs the role of infra/account.yaml."""
    return {"DestinationArn": {"Fn::GetAtt": [GROUP, "Arn"]}, "Format": json.dumps(FIELDS)}


def group(log_days: int) -> dict[str, Any]:
    """The log group."""
    name = {"Fn::Sub": "/aws/apigateway/ecommerce-${Stage}"}
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": log_days}}
