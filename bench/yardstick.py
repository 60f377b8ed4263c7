"""What the machine is worth today: Django alone, under daphne, one async view that says 100 words.

Shared machines give a CPU-second's worth of work that differs by half from one hour to the next.
In the same minutes this one does, so the ratio of the two says more than either. Run as a process
of its own; prints its port.
"""

import socket

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path

from bench.upstream import TEXT

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[], LOGGING_CONFIG=None)


async def view(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"message": TEXT})


urlpatterns = [path("yardstick", view)]


def main() -> None:
    # After the settings: both read them when they are imported.
    from daphne.server import Server  # noqa: PLC0415
    from django.core.asgi import get_asgi_application  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        endpoint = f"fd:fileno={listening.fileno()}"
        Server(get_asgi_application(), endpoints=[endpoint], action_logger=None).run()


if __name__ == "__main__":
    main()
