"""Settings, from environment variables ``SHIYU_…`` (or a ``.env`` file). Everything has a safe default."""

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_data_dir() -> Path:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/shiyu")
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "shiyu"


class Settings(BaseSettings):
    """设置 — one object, read once a process."""

    model_config = SettingsConfigDict(env_prefix="SHIYU_", env_file=".env", extra="ignore")

    database_url: str | None = Field(
        default=None, description="A PostgreSQL server to use; none starts the private one."
    )
    postgres_bin: Path | None = Field(
        default=None, description="bin directory of the PostgreSQL that the private server runs."
    )
    data_dir: Path = Field(default_factory=_default_data_dir, description="Database, files, keys and logs live below.")
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = Field(default=None, description="Address citizens see, for links in messages.")
    city: str = Field(default="anshan", description="Folder of law/books that holds this city's books.")
    case_prefix: str = Field(default="AS", description="First letters of every public case number.")

    db_pool: int = Field(default=16, description="Connections a process keeps open.")
    threads: int = Field(default=40, description="Requests a process works on at once.")

    vault_key: str | None = Field(default=None, description="Master key of the vault in hex; else a key file is used.")
    vault_key_file: Path | None = None
    vault_cipher: Literal["sm4", "aes"] = "sm4"

    session_idle_minutes: int = 30
    session_hours: int = 12
    standing_roles: str = Field(
        default="display", description="Roles of screens that stand alone: their sessions last, comma separated."
    )
    standing_days: int = Field(default=90, description="How long such a session lasts.")
    lock_after_failures: int = 5
    lock_minutes: int = 30
    password_min_length: int = 10
    secure_cookies: bool | None = Field(
        default=None, description="Cookies only over HTTPS; default: when the request was."
    )
    trusted_proxies: str = Field(
        default="", description="Addresses whose X-Forwarded-For is believed, comma separated."
    )

    max_upload_bytes: int = 20 * 1024 * 1024
    max_image_pixels: int = 50_000_000
    max_body_bytes: int = Field(default=4 * 1024 * 1024, description="Largest JSON body.")

    log_format: Literal["json", "console"] = "console"
    metrics_token: str | None = Field(
        default=None, description="Bearer token for /metrics; none answers loopback only."
    )


@cache
def settings() -> Settings:
    """The settings of this process. ``settings.cache_clear()`` reads them anew."""
    return Settings()
