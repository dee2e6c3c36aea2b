"""JDK's own client, which offers HTTP/2 with every plain request, is served as anybody."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import Gateway

JAVA = shutil.which("java")


@pytest.mark.skipif(JAVA is None, reason="there is no java on this machine")
def test_a_client_that_offers_to_upgrade_is_served_on_one_connection(
    gateway: Gateway, key: str
) -> None:
    said = [{"role": "user", "content": "Say hello."}]
    body = json.dumps({"model": "gpt-4.1", "messages": said, "max_tokens": 5})
    program = str(Path(__file__).with_name("Jdk.java"))
    command = [str(JAVA), "-XX:TieredStopAtLevel=1", program, gateway.base_url, key, body]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if "module jdk.compiler" in ran.stderr:
        pytest.skip("this java runs no source file: it is a JRE without a compiler")
    answers = ran.stdout.splitlines()
    assert [line[:13] for line in answers] == ["200 HTTP_1_1 "] * 3, ran.stderr
    assert all(json.loads(line[13:])["model"] for line in answers)
