"""The shape of GET /api/usage, for its documentation."""

from typing import Any

from rest_framework import serializers


class KeyShownSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    last_four = serializers.CharField()


class CountersSerializer(serializers.Serializer[Any]):
    answers = serializers.IntegerField()
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class UsageRowSerializer(CountersSerializer):
    day = serializers.DateField()
    api_key = KeyShownSerializer(
        allow_null=True, help_text="null: from a browser, signed in, without a key."
    )


class StandingSerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(allow_null=True, help_text="null: no limit.")
    used = serializers.IntegerField(allow_null=True, help_text="null: not counted here.")
    resets_at = serializers.DateTimeField(allow_null=True, help_text="null: it does not reset.")


class LimitsSerializer(serializers.Serializer[Any]):
    requests_per_minute = StandingSerializer()
    tokens_per_month = StandingSerializer()
    max_api_keys = StandingSerializer()
    concurrent_answers = StandingSerializer()
    max_file_bytes = StandingSerializer()
    max_files = StandingSerializer()
    max_stored_bytes = StandingSerializer()
    max_endpoints = StandingSerializer()


class AccountUsageSerializer(serializers.Serializer[Any]):
    results = UsageRowSerializer(many=True)
    totals = CountersSerializer()
    tier = serializers.CharField()
    limits = LimitsSerializer()

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's own, so it cannot be written as the others are."""
        dates = {"from": serializers.DateField(), "to": serializers.DateField()}
        return {**dates, **super().get_fields()}
