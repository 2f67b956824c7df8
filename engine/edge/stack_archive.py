"""The archive of a deployed stack, by read-only calls: its stream, its bucket, and whether records arrive there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine.model.stack import ArchiveState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime


def read_archive(client: Callable[[str], Any], parts: Mapping[str, str], now: datetime) -> ArchiveState:
    """The state of the archive. Raises botocore's errors."""
    name = parts["ArchiveStream"]
    stream = client("firehose").describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    bucket = stream["Destinations"][0]["ExtendedS3DestinationDescription"]["BucketARN"].rpartition(":")[2]
    filters = client("logs").describe_subscription_filters(logGroupName=parts["Logs"])["subscriptionFilters"]
    return ArchiveState(
        name,
        stream["DeliveryStreamStatus"] == "ACTIVE",
        any(one["destinationArn"] == stream["DeliveryStreamARN"] for one in filters),
        bucket,
        _locked_days(client("s3"), bucket),
        _delivered(client("cloudwatch"), name, now),
    )


def _locked_days(s3: Any, bucket: str) -> int:  # noqa: ANN401  boto3 clients have no types
    try:
        lock = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ObjectLockConfigurationNotFoundError":
            raise
        return 0
    return int(lock.get("Rule", {}).get("DefaultRetention", {}).get("Days", 0))


def _delivered(cloudwatch: Any, stream: str, now: datetime) -> float | None:  # noqa: ANN401
    """The part of the deliveries to S3 that succeeded.

    Source: https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
    """
    points = cloudwatch.get_metric_statistics(
        Namespace="AWS/Firehose",
        MetricName="DeliveryToS3.Success",
        Dimensions=[{"Name": "DeliveryStreamName", "Value": stream}],
        StartTime=now - timedelta(hours=24),
        EndTime=now,
        Period=86_400,
        Statistics=["Average"],
    )["Datapoints"]
    return min((float(point["Average"]) for point in points), default=None)
