"""Every card of the simulator is conformant by the statement that is shipped for it."""

from __future__ import annotations

import pytest

from conformance.engine import Request, execute, prepare
from conformance.verdict import Outcome, Verdict


@pytest.mark.parametrize("profile", ["crypto", "emrtd", "globalplatform"])
@pytest.mark.parametrize("seed", [0, 11])
def test_conformant(profile: str, seed: int) -> None:
    result = execute(prepare(Request(card=f"sim:{profile}", seed=seed, examples=5)))
    assert result.run.outcome is Outcome.CONFORMANT
    assert [case.id for case in result.cases if case.failure is not None] == []
    passed = {one.id for one in result.requirements if one.verdict is Verdict.PASS}
    sealed = {one for one in passed if one.startswith(("9303/", "scp03/", "pboc/line/"))}
    assert len(sealed) == {"crypto": 0, "emrtd": 33, "globalplatform": 17}[profile]
    computed = {one for one in passed if one.startswith(("7816-8/", "7816-4/environment/"))}
    assert len(computed) == {"crypto": 76, "emrtd": 0, "globalplatform": 0}[profile]
