"""What stands before gradio answers the page itself, and nobody else."""

import asyncio
import json

import pytest

from kzoo.demo.guard import POLICY, Guard

OWN = "127.0.0.1:7860"


def ask(path="/", *, host=OWN, origin=None, kind="http", guard=None):
    """Return status and headers, and what is said where a request is refused."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-inner", b"1")]})
        await send({"type": "http.response.body", "body": b'{"detail": ""}'})

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode()), *([] if origin is None else [(b"Origin", origin.encode())])]
    asyncio.run((guard or Guard)(app)({"type": kind, "path": path, "headers": headers}, None, send))
    if not sent:
        return None
    return sent[0]["status"], dict(sent[0]["headers"]), json.loads(sent[1]["body"])["detail"]


def test_a_page_may_load_nothing_from_elsewhere():
    status, headers, _ = ask()
    assert (status, headers[b"x-inner"], headers[b"content-security-policy"]) == (200, b"1", POLICY.encode())
    sources = {word for directive in POLICY.split("; ") for word in directive.split()[1:]}
    assert sources == {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860"])
def test_this_computer_goes_by_its_own_names(host):
    assert ask(host=host)[0] == 200


@pytest.mark.parametrize("host", ["kzoo.example:7860", "127.0.0.1.example", "[::1", ""])
def test_it_does_not_answer_to_other_names(host):
    assert ask(host=host)[0] == 403
    assert ask(host=host, guard=lambda app: Guard(app, hosts=()))[0] == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [(f"http://{OWN}", 200), ("http://127.0.0.1:8000", 403), ("https://other.example", 403), ("null", 403)],
)
def test_pages_of_other_addresses_are_refused(origin, status):
    assert ask("/gradio_api/component_server/", origin=origin)[0] == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/gradio_api/component_server/", 200),
        ("/gradio_api/queue/join", 200),
        ("/assets/index.js", 200),
        ("/gradio_api/file=http://other.example/x", 403),
        ("/gradio_api/file=/etc/passwd", 403),
        ("/gradio_api/proxy=https://other.hf.space/", 403),
        ("/gradio_api/upload", 403),
        ("/gradio_api/stream/1", 403),
    ],
)
def test_only_what_the_page_needs_is_answered(path, status):
    assert ask(path)[0] == status


def test_other_ways_in_are_closed():
    assert ask(kind="websocket") is None
    assert ask(kind="lifespan")[0] == 200
