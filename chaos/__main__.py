"""`python -m chaos [--faults apiserver,etcd] [--firings 300] [--seed 7]`: exit code 0 when nothing was lost.

It needs a local cluster (`CLUSTER=local`), whose components are processes of this machine, and ends by itself within
ten minutes. `.build/chaos` has what it did and saw.
"""

import argparse
import random
import sys
import time

from chaos.nodeless import ProcessWorld
from chaos.plan import chosen
from chaos.suite import GONE_SECONDS, RECORDED_SECONDS, Result, Suite, new_folder
from chaos.world import World
from cluster.errors import ClusterError
from examples.demo.session import TookTooLong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--faults", default="", help="names or targets, separated by commas; default: all")
    parser.add_argument("--firings", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None, help="default: a new one")
    parser.add_argument("--without-node", action="store_true", help="processes instead of a cluster; needs no root")
    arguments = parser.parse_args()
    try:
        names = [name for name in arguments.faults.split(",") if name]
        faults = chosen(names, has_node=not arguments.without_node)
    except ValueError as error:
        parser.error(str(error))
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    kind = ProcessWorld if arguments.without_node else World
    world, began = kind(seed, new_folder()), time.monotonic()
    again = f"make chaos{'' if kind.has_node else '-short'}"
    again += f" FAULTS={arguments.faults} FIRINGS={arguments.firings} SEED={seed}"
    try:
        world.set_up()
        result = Suite(world, faults, arguments.firings).run()
    except (ClusterError, TookTooLong) as error:
        world.say(f"error: {error}\nWhat happened before is in {world.folder}.")
        return 1
    finally:
        if not world.has_node:  # a cluster is left as it is, for who wants to look at it
            world.take_down()
    tell(world, result)
    if result.verdict.wrong:
        world.say(
            f"FAILED after {time.monotonic() - began:.0f} s. Logs and objects are in {world.folder}. Again: {again}"
        )
        return 1
    if world.has_node:
        world.take_down()
    world.say(f"passed after {time.monotonic() - began:.0f} s. Again: {again}")
    return 0


def tell(world: World, result: Result) -> None:
    """The table: each fault and how often it struck; firings, runs and outcomes; what is wrong."""
    world.say("fault                 struck  found nobody")
    for name in sorted(result.struck | result.missed):
        world.say(f"  {name:<20} {result.struck[name]:5}  {result.missed[name] or '':>5}")
    verdict = result.verdict
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in verdict.outcomes.items() if count)
    world.say(f"{verdict.firings} firings, {verdict.runs} runs, recorded: {outcomes or 'nothing'}")
    world.say(f"all recorded {result.recorded_seconds:.0f} s after the last strike (limit {RECORDED_SECONDS:.0f})")
    world.say(f"all objects gone {result.gone_seconds:.0f} s after their deletion (limit {GONE_SECONDS:.0f})")
    for complaint in verdict.wrong:
        world.say(f"WRONG: {complaint}")


if __name__ == "__main__":
    sys.exit(main())
