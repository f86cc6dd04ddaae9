"""schemathesis finds no difference between the API and its OpenAPI description."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.running_demo import running_demo
from tests.environment import plain

pytestmark = [pytest.mark.anyio, pytest.mark.e2e, pytest.mark.once]

ROOT = Path(__file__).parents[2]
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


async def test_schemathesis_finds_no_failure(tmp_path: Path) -> None:
    """With valid and invalid parameters, other methods and generated requests, always the same."""
    async with running_demo(4, one_report=True) as demo:
        command: list[str | Path] = [SCHEMATHESIS, "run", f"{demo.url}/api/v1/openapi.json", f"--url={demo.url}"]
        command += ["--max-examples=30", "--seed=1", "--generation-deterministic", "--no-color"]
        environ = {**plain(), "SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
        done = await asyncio.to_thread(
            lambda: subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, timeout=240, check=False)
        )

    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, said
    assert "No issues found" in said
