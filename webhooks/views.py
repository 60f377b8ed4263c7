"""The webhook API."""

from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from rest_framework import serializers as drf
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.models import User
from chatbot_project.api.bodies import validate
from chatbot_project.api.errors import InvalidRequest
from chatbot_project.api.fields import MomentField, is_day
from chatbot_project.api.pagination import Pagination
from webhooks import deletion, schema, serializers, services
from webhooks.answers import LONGEST_ANSWER
from webhooks.catalogue import CATALOGUE, PING
from webhooks.models import Delivery, Endpoint, Status

UTC = ZoneInfo("UTC")
FIRST, LAST = 1970, 9000  # years
MOMENTS = "Use RFC 3339, as in 2025-01-06T12:00:00Z (`+` written as %2B), or a day: YYYY-MM-DD."
FILTERS = {"status": list(Status.values), "event": [*CATALOGUE, PING]}


class EndpointViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Endpoint]):
    scope_area = "webhooks"
    serializer_class = serializers.EndpointSerializer
    pagination_class = Pagination
    list_filters = ()

    def get_queryset(self) -> QuerySet[Endpoint]:
        return cast(User, self.request.user).endpoints.order_by("-created_at", "-id")

    def find(self, webhook_id: str) -> Endpoint:
        """A stranger's endpoint does not exist. Raises ResourceNotFound."""
        endpoint: Endpoint = self.get_queryset().get_public(webhook_id)  # type: ignore[attr-defined]
        return endpoint

    def shown(self, endpoint: Endpoint, secret: str | None = None) -> dict[str, Any]:
        data = dict(serializers.EndpointSerializer(endpoint).data)
        return {**data, "secret": secret} if secret else data

    @schema.list_webhooks
    def list(self, request: Request) -> Response:
        return super().list(request)

    @schema.create_webhook
    def create(self, request: Request) -> Response:
        asked = validate(serializers.NewEndpointSerializer, request.data)
        endpoint, secret = services.create_endpoint(cast(User, request.user), **asked)
        return Response(self.shown(endpoint, secret), status=201)

    @schema.get_webhook
    def retrieve(self, request: Request, webhook_id: str) -> Response:
        return Response(self.shown(self.find(webhook_id)))

    @schema.change_webhook
    def partial_update(self, request: Request, webhook_id: str) -> Response:
        endpoint = self.find(webhook_id)
        changes = validate(serializers.EndpointChangeSerializer, request.data)
        return Response(self.shown(services.change_endpoint(endpoint, **changes)))

    @schema.delete_webhook
    def destroy(self, request: Request, webhook_id: str) -> Response:
        deletion.delete_endpoint(self.find(webhook_id))
        return Response(status=204)

    @schema.rotate_secret
    def rotate_secret(self, request: Request, webhook_id: str) -> Response:
        endpoint = self.find(webhook_id)
        asked = validate(serializers.NewSecretSerializer, request.data)
        return Response(self.shown(*services.rotate_secret(endpoint, asked.get("secret"))))

    @schema.ping
    def ping(self, request: Request, webhook_id: str) -> Response:
        delivery = services.ping(self.find(webhook_id))
        delivery.refresh_from_db()
        return Response(serializers.DeliverySerializer(delivery).data, status=201)

    @schema.recover
    def recover(self, request: Request, webhook_id: str) -> Response:
        endpoint = self.find(webhook_id)
        asked = validate(serializers.RecoverSerializer, request.data)
        return Response({"recovered": services.recover(endpoint, asked["since"])})


class DeliveryViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Delivery]):
    scope_area = "webhooks"
    serializer_class = serializers.DeliverySerializer
    pagination_class = Pagination
    list_filters = (*FILTERS, "from", "to")

    def get_queryset(self) -> QuerySet[Delivery]:
        endpoints = cast(User, self.request.user).endpoints
        endpoint = endpoints.get_public(self.kwargs["webhook_id"])
        related = endpoint.deliveries.select_related("event", "endpoint")
        is_list = self.action == "list"
        if is_list:  # bodies may be long, and are not shown
            related = related.defer("event__body")
        length = serializers.LISTED_RESPONSE if is_list else LONGEST_ANSWER
        found: QuerySet[Delivery] = related.with_latest_attempts(length)
        return found.order_by("-created_at", "-id")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        query = self.request.query_params
        if status := chosen(self.request, "status"):
            queryset = queryset.filter(status=status)
        if event := chosen(self.request, "event"):
            queryset = queryset.filter(event__type=event)
        if "from" in query:
            queryset = queryset.filter(created_at__gte=span(self.request, "from")[0])
        if "to" in query:
            queryset = queryset.filter(created_at__lt=span(self.request, "to")[1])
        return queryset

    def find(self, delivery_id: str) -> Delivery:
        delivery: Delivery = self.get_queryset().get_public(delivery_id)  # type: ignore[attr-defined]
        return delivery

    @schema.list_deliveries
    def list(self, request: Request, webhook_id: str) -> Response:
        return super().list(request)

    @schema.get_delivery
    def retrieve(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        delivery = self.find(delivery_id)
        return Response(serializers.DeliveryWithPayloadSerializer(delivery).data)

    @schema.redeliver
    def redeliver(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        services.redeliver(self.find(delivery_id))
        return Response(self.get_serializer(self.find(delivery_id)).data)


def chosen(request: Request, name: str) -> str | None:
    """One of FILTERS[name]. Raises InvalidRequest."""
    value = request.query_params.get(name)
    if value is not None and value not in FILTERS[name]:
        reason = f"Must be one of {', '.join(FILTERS[name])}."
        raise InvalidRequest(invalid_fields={name: [reason]})
    return value


def span(request: Request, name: str) -> tuple[datetime, datetime]:
    """The beginning and the end of what a query parameter names: a day (UTC), or in RFC 3339 a
    second, as all moments are shown, or a part of one. Raises InvalidRequest.
    """
    text = request.query_params[name]
    try:
        first: datetime = MomentField().run_validation(text)
    except drf.ValidationError:
        first = datetime.min.replace(tzinfo=UTC)
    if not FIRST <= first.year <= LAST:
        raise InvalidRequest(invalid_fields={name: [MOMENTS]})
    if is_day(text):
        return first, first + timedelta(days=1)
    return first, first + (timedelta.resolution if first.microsecond else timedelta(seconds=1))
