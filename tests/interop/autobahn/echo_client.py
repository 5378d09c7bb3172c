"""The client that speaks to Autobahn's fuzzing server: python echo_client.py URL AGENT."""

import asyncio
import sys

import tercel


async def echo(session: tercel.ClientSession, url: str) -> None:
    async with session.ws_connect(url, compress=15, max_msg_size=0) as socket:
        async for message in socket:
            if message.type is tercel.WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is tercel.WSMsgType.BINARY:
                await socket.send_bytes(message.data)
            else:
                break


async def run_cases(url: str, agent: str) -> None:
    async with tercel.ClientSession() as session:
        async with session.ws_connect(f"{url}/getCaseCount") as socket:
            count = int(await socket.receive_str())
        for case in range(1, count + 1):
            try:
                await echo(session, f"{url}/runCase?case={case}&agent={agent}")
            except tercel.ClientError as error:
                # The case is judged by the fuzzing server; this line only helps to find it.
                print(f"case {case}: {error!r}", file=sys.stderr)
        async with session.ws_connect(f"{url}/updateReports?agent={agent}"):
            pass


if __name__ == "__main__":
    asyncio.run(run_cases(sys.argv[1], sys.argv[2]))
