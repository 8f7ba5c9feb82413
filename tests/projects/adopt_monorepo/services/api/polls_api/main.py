from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

VOTES = {"soup": 0, "salad": 0}


async def ping(request: Request) -> JSONResponse:
    return JSONResponse("pong")


async def votes(request: Request) -> JSONResponse:
    return JSONResponse(VOTES)


async def vote(request: Request) -> JSONResponse:
    VOTES[request.path_params["choice"]] += 1
    return JSONResponse(VOTES, status_code=201)


app = Starlette(
    routes=[
        Mount("/v1", routes=[Route("/votes", votes), Route("/votes/{choice}", vote, methods=["POST"])]),
        Route("/ping", ping),
    ]
)
