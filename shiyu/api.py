"""Front door: the HTTP application. Mounts each room's router, the faces, health and measures; renders errors."""

import gc
import ipaddress
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.exceptions import HTTPException

import shiyu.analysis.listeners
import shiyu.channels.listeners
import shiyu.oversight.jobs
import shiyu.services.jobs
import shiyu.services.listeners  # noqa: F401 - rooms without a route that need it register what they listen to
from shiyu import live
from shiyu.analysis import api as analysis
from shiyu.cases import api as cases
from shiyu.channels import api as channels
from shiyu.channels.open311 import api as open311
from shiyu.directory import access
from shiyu.directory import api as directory
from shiyu.field import api as field
from shiyu.field import patrol_api, post_api
from shiyu.kernel import api as kernel
from shiyu.kernel import events, web
from shiyu.kernel.auth import Viewer
from shiyu.kernel.config import settings
from shiyu.kernel.db import reading
from shiyu.kernel.errors import Refusal
from shiyu.law import api as law
from shiyu.oversight import api as oversight
from shiyu.services import api as services

STATIC = Path(__file__).parent / "static"
ROUTERS = (
    kernel.router,
    access.router,
    directory.router,
    law.router,
    cases.router,
    services.router,
    field.router,
    post_api.router,
    patrol_api.router,
    analysis.router,
    oversight.router,
    channels.router,
    open311.router,
    live.router,
)
FACES = ("desk", "field", "screen")
# What the phone's face needs at addresses of its own: a service worker governs only what lies below it.
PHONE = {
    "sw.js": "text/javascript",
    "manifest.webmanifest": "application/manifest+json",
    "icon-192.png": "image/png",
    "icon-512.png": "image/png",
    "icon-maskable-512.png": "image/png",
}
health = APIRouter(tags=["health"])


@asynccontextmanager
async def _life(_app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = settings().threads
    # Law and gazetteer are half a million objects that live for hours: the collector need not walk them every few requests.
    gc.set_threshold(50_000, 50, 50)
    yield


def create() -> FastAPI:
    """The application. The database must be bound before the first request."""
    app = FastAPI(
        title="Shiyu 市域",
        version="0.1.0",
        summary="An open platform with which a city governs itself",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_life,
        responses=web.PROBLEMS,
        generate_unique_id_function=lambda route: (
            f"{route.tags[0] if route.tags else 'x'}_{route.name}_{'_'.join(sorted(route.methods or ()))}"
            + ("_sized" if route.path.endswith("{size}") else "")
        ),
    )
    web.install(app)
    app.include_router(health)
    for router in ROUTERS:
        app.include_router(router)
    _mount_faces(app)
    app.add_exception_handler(HTTPException, _not_here)
    return app


def _not_here(request: Request, error: Any) -> Response:
    """A person who followed a wrong address gets a page that says so, a program a problem."""
    page = STATIC / "citizen.html"
    reads = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    if error.status_code == 404 and reads and page.exists():  # noqa: PLR2004 - not found
        return FileResponse(page, 404, headers={"Cache-Control": "no-cache"})
    return web.http_error(request, error)


@health.get("/healthz", include_in_schema=False)
def healthz(viewer: Viewer = web.anyone) -> dict[str, str]:
    """存活"""
    return {"status": "ok"}


@health.get("/readyz", include_in_schema=False)
def readyz(viewer: Viewer = web.anyone) -> JSONResponse:
    """就绪 — the database answers."""
    try:
        with reading() as s:
            s.execute(text("select 1 from kernel.alembic_version"))
    except Exception as error:  # noqa: BLE001 - whatever is wrong, the answer is "not ready"
        return JSONResponse({"status": "not ready", "reason": type(error).__name__}, 503)
    return JSONResponse({"status": "ready"})


@health.get("/metrics", include_in_schema=False)
def metrics(request: Request, viewer: Viewer = web.anyone) -> Response:
    """度量 — for loopback, or for who shows the token."""
    token = settings().metrics_token
    if token:
        if not secrets.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode()):
            raise Refusal("auth.forbidden", 403)
    elif not ipaddress.ip_address(web.client_ip(request) or "0.0.0.0").is_loopback:  # noqa: S104 - an address to judge, not to bind
        raise Refusal("auth.forbidden", 403)
    with reading() as s:
        events.backlog(s)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _mount_phone(app: FastAPI) -> None:
    def phone_file(name: str, media_type: str) -> Any:
        def send() -> Response:
            path = STATIC / "field" / name
            if not path.exists():
                return PlainTextResponse("The faces are not built: run `make web`.", 503)
            return FileResponse(path, media_type=media_type, headers={"Cache-Control": "no-cache"})

        return send

    for name, media_type in PHONE.items():
        route = f"/field/{name}"
        app.add_api_route(route, phone_file(name, media_type), include_in_schema=False, name=f"field_{name}")
    # The worker's scope is /field/, so the face must not be opened outside it.
    app.add_api_route("/field", lambda: RedirectResponse("/field/"), include_in_schema=False, name="to_field")


def _mount_faces(app: FastAPI) -> None:
    def face(name: str) -> Any:
        def page() -> Response:
            path = STATIC / f"{name}.html"
            if not path.exists():
                return PlainTextResponse("The faces are not built: run `make web`.", 503)
            return FileResponse(path, headers={"Cache-Control": "no-cache"})

        return page

    _mount_phone(app)
    if (STATIC / "assets").is_dir():
        app.mount("/assets", StaticFiles(directory=STATIC / "assets"), name="assets")
    for name in FACES:
        if (STATIC / name).is_dir():
            app.mount(f"/{name}/static", StaticFiles(directory=STATIC / name), name=name)
        app.add_api_route(f"/{name}", face(name), include_in_schema=False, name=f"face_{name}")
        app.add_api_route(f"/{name}/{{_path:path}}", face(name), include_in_schema=False, name=f"face_{name}_path")
    app.add_api_route("/", face("citizen"), include_in_schema=False, name="face_citizen")
    for path in ("report", "track", "mine", "privacy", "accessibility", "case", "help", "grid", "card"):
        app.add_api_route(f"/{path}", face("citizen"), include_in_schema=False, name=f"face_citizen_{path}")
        app.add_api_route(
            f"/{path}/{{_rest:path}}", face("citizen"), include_in_schema=False, name=f"face_citizen_{path}_rest"
        )
