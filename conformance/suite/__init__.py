"""The cases, by area: plain pytest modules, collected with `pytest --pyargs conformance.suite`.

Every case gets a `terminal` (one history on a fresh card) or the `bench` (as many as it wants). The
model judges every answer; a case adds what it wants to be sure of by `expect`, on behalf of the
requirement `because`.
"""
