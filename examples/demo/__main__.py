"""`make demo`: sets all up from nothing, uses all three doors, waits for real runs, and leaves crons to look at."""

import argparse
import asyncio
import sys
from pathlib import Path

from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from cluster import deploy
from cluster.errors import ClusterError
from cluster.paths import HERE
from examples.demo import crons, flow, messages
from examples.demo.screen import Failed, Screen
from examples.demo.session import Session, TookTooLong, wait_for_agent_server


async def demo(screen: Screen, *, keep: bool) -> None:
    """`keep` is whether it leaves crons to look at."""
    session = Session()
    with screen.stage("A Kubernetes cluster, and our images in it"):
        deploy.cluster_and_images()
    with screen.stage("An Agent Server, and GraphCron by Helm"):
        deploy.agent_server()
        values = (*messages.VALUES, *crons.VALUES)
        screen.command("helm", *deploy.RELEASE_COMMAND, *values)
        deploy.release(HERE, *values)
        screen.output(session.kubectl("get", "deployments"))
    with session.forward(f"service/{deploy.RELEASE}-facade", 80) as url:
        wait_for_agent_server(url)
        async with get_client(url=url) as client:
            await _doors(session, screen, client, url)
    if not keep:
        with screen.stage("Deleting these, too"):
            crons.delete(session, screen)
            messages.delete(session, screen)
    screen.summary()
    _look_around()


async def _doors(session: Session, screen: Screen, client: LangGraphClient, url: str) -> None:
    # They come first, since it takes a minute until what blocks a firing is called so.
    with screen.stage("Crons to look at later: works, fails, paused, stalled, blocked, over budget, overdue"):
        messages.create(session, screen)
        crons.create(session, screen)
    with screen.stage("Door 1: kubectl"):
        name = flow.through_kubectl(session, screen)
    with screen.stage("Door 2: the LangGraph SDK, unchanged"):
        by_sdk = await flow.through_the_sdk(client, url, screen)
    with screen.stage("Door 3: curl"):
        by_curl = flow.through_curl(url, screen)
    names = [name, *by_sdk, *by_curl]
    with screen.stage("The minute turns, and the runs happen"):
        await _firings(session, screen, client, names)
    with screen.stage("Deleting the crons"):
        await flow.delete_all(session, client, url, screen, list(by_sdk), list(by_curl), name)
        flow.gone(session, names)
    with screen.stage("The crons to look at, as somebody on call sees them"):
        crons.look(session, screen)
    with screen.stage("What the notifier has told of the one that fails, as its receiver got it"):
        messages.look(session, screen)


async def _firings(session: Session, screen: Screen, client: LangGraphClient, names: list[str]) -> None:
    firings = {name: flow.firing_of(session, name) for name in names}
    for words in (("get", "graphcrons"), ("get", "jobs")):
        screen.command("kubectl", "-n", session.namespace, *words)
        screen.output(session.kubectl(*words))
    for name, firing in firings.items():
        if firing["outcome"] != "Succeeded":
            raise Failed(
                f"GraphCron {name} fired, and its run did not succeed: {firing['reason']}: {firing.get('message')}. "
                f"See: kubectl -n {session.namespace} logs job/{firing.get('jobName')}"
            )
    screen.say("")
    screen.say("What the Agent Server has on the threads that are kept:")
    for name in (names[0], names[1], names[3], names[4]):
        answer = await flow.answer_of(client, firings[name]["threadId"])
        screen.output(f"{name}: {answer}")
    screen.output(f"{names[2]}: run {firings[names[2]]['runId']} is done, its thread deleted as LangGraph does")


def _look_around() -> None:
    print(
        f"""
━━ Look around
  export KUBECONFIG={HERE.kubeconfig} PATH={HERE.bin}:{Path(sys.executable).parent}:$PATH
  graphcron console
      → the web console in your browser, at an address of this machine alone; it prints that, too
  graphcron list -n {deploy.NAMESPACE}
  graphcron explain {crons.BLOCKED} -n {deploy.NAMESPACE}
  graphcron run {crons.WORKS} --wait -n {deploy.NAMESPACE}
  graphcron channel test {messages.CHANNEL} -n {deploy.NAMESPACE}
      → a message to the receiver: kubectl -n {deploy.NAMESPACE} logs deployment/{messages.RECEIVER}
  kubectl -n {deploy.NAMESPACE} get graphcrons --watch
  kubectl -n {deploy.NAMESPACE} logs deployment/{deploy.RELEASE}-operator
  kubectl -n {deploy.NAMESPACE} port-forward service/{deploy.RELEASE}-facade 8080:80
      → http://127.0.0.1:8080 for the SDK (assistants, threads, runs and crons)
  make down removes all of it"""
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument(
        "--keep", action=argparse.BooleanOptionalAction, default=True, help="leave the crons that are there to look at"
    )
    screen, keep = Screen(), parser.parse_args().keep
    try:
        asyncio.run(demo(screen, keep=keep))
    except (Failed, TookTooLong, ClusterError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
