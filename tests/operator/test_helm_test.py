"""What `helm test` runs, as the pod runs it, against an apiserver and the real operator."""

import asyncio
import sys
from pathlib import Path

from tests.support.apiserver_fake import FakeApiserver
from tests.support.operator_process import OPERATOR, operator
from tests.support.until import until

SCRIPT = OPERATOR.parent / "charts/graphcron/files/helm_test.py"


async def helm_test(kubeconfig: Path, patience: float) -> tuple[int | None, str]:
    """Its exit code and all that it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SCRIPT.read_text()),
        env={
            "PYTHONPATH": str(OPERATOR),
            "KUBECONFIG": str(kubeconfig),
            "GRAPHCRON_NAMESPACE": "team",
            "PATIENCE_SECONDS": str(patience),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, output.decode()


async def test_it_passes_with_an_operator_and_leaves_nothing(tmp_path: Path) -> None:
    apiserver = FakeApiserver()
    async with apiserver.serving() as url, operator(url, tmp_path):
        await until(lambda: apiserver.watches_of("graphcrons"))
        code, said = await helm_test(tmp_path / "s3cret/kubeconfig", patience=30)
    assert (code, said.splitlines()[-1]) == (0, "deleted; the CronJob went with it"), said
    assert not apiserver.objects["graphcrons"]
    assert not apiserver.objects["cronjobs"]


async def test_without_an_operator_it_fails_with_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    apiserver = FakeApiserver()
    async with apiserver.serving() as url:
        async with operator(url, tmp_path) as gone:
            gone.kill()
            await gone.wait()
        code, said = await helm_test(tmp_path / "s3cret/kubeconfig", patience=0.1)
    assert code == 1
    assert "after 0.1 s the operator has not written a status for it: see the operator's log" in said
    assert "Traceback" not in said
    assert not apiserver.objects["graphcrons"]


async def test_what_the_operator_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    """No default Agent Server: nothing can run, and the CronJob never comes."""
    apiserver = FakeApiserver()
    async with apiserver.serving() as url, operator(url, tmp_path, AGENT_SERVER_URL=""):
        await until(lambda: apiserver.watches_of("graphcrons"))
        code, said = await helm_test(tmp_path / "s3cret/kubeconfig", patience=10)
    assert code == 1
    assert "NoAgentServer" in said, said
