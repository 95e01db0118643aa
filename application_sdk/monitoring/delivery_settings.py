"""The part of the settings that says where profiles go beyond the local files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode


def split_names(value: object) -> object:
    """Names from one comma-separated string or any iterable, without repetition."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes):
        return tuple(dict.fromkeys(part for part in value if part != ""))
    return value


def _as_token(value: object) -> SecretStr | None:
    # A mounted secret often ends in a line break. Nothing is refused here, because an
    # error's text would show what it refuses.
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return SecretStr(text.strip()) if text.strip() else None


Redactions = Annotated[tuple[Literal["paths", "hosts", "names"], ...], BeforeValidator(split_names)]


class DeliverySettings(BaseModel):
    """Metrics, pushing, upload and what is hashed before any of it; part of the one table."""

    application_name: str = Field(
        "", description="Service name for pushed and uploaded profiles; unset: `OTEL_SERVICE_NAME`."
    )
    metrics: bool = Field(True, description="Record metrics where the program uses OpenTelemetry.")
    pyroscope_url: str | None = Field(
        None, description="Pyroscope-compatible server that profiles are pushed to."
    )
    otlp_url: str | None = Field(
        None, description="OTLP/HTTP endpoint that profiles are pushed to (experimental)."
    )
    push_token: Annotated[SecretStr | None, BeforeValidator(_as_token)] = Field(
        None, description="Bearer token for pushing."
    )
    upload_url: str | None = Field(
        None,
        description="`s3://`, `gs://`, `az://` or `file://` URL to upload to; `sdk`: the SDK's.",
    )
    upload_keep_local: bool = Field(True, description="Keep files after they were uploaded.")
    redact: Annotated[Redactions, NoDecode] = Field(
        (), description="What is hashed in profiles: any of `paths`, `hosts`, `names`."
    )
