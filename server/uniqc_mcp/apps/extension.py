"""The MCP Apps extension of the server: it lists the views, and reads a page when a host asks."""

from __future__ import annotations

from typing import Any, Final

from mcp.server.apps import APP_MIME_TYPE, Apps
from mcp.server.mcpserver.resources import Resource

from uniqc_mcp.apps.pages import VIEWS, Page, View

_NO_NETWORK: Final[dict[str, Any]] = {
    "csp": {
        "connectDomains": [],
        "resourceDomains": [],
        "frameDomains": [],
        "baseUriDomains": [],
    },
    "prefersBorder": True,
}


class ViewResource(Resource):
    """The page of a view. Its files are read at the first request, not at the start."""

    view: View

    async def read(self) -> str:
        """Return the page."""
        return Page(self.view).html


def apps() -> Apps:
    """Return the extension with all views."""
    extension = Apps()
    for view in VIEWS:
        extension.add_resource(
            ViewResource(
                uri=view.uri,
                name=f"view_{view.name}",
                title=view.title,
                description=view.description,
                mime_type=APP_MIME_TYPE,
                meta={"ui": _NO_NETWORK},
                view=view,
            )
        )
    return extension
