"""The pool's decisions, without a socket: connections are plain objects, the time is a number."""

import pytest
from yarl import URL

from tercel.client.pool import ConnectionKey, EndpointStats, Pool, make_connection_key

A = ConnectionKey("a", 80, False)
B = ConnectionKey("b", 80, False)


def make_pool(limit=0, per_host=0, keepalive=15.0, dead=()):
    return Pool(limit, per_host, keepalive, lambda connection: connection not in dead)


def lend(pool, key, name, now=0.0):
    claim = pool.ask(key, now)
    assert claim.granted
    assert claim.connection is None
    claim.connection = name
    return claim


def test_a_connection_is_made_when_none_is_idle():
    claim = make_pool().ask(A, 0)
    assert claim.granted
    assert claim.connection is None


def test_the_freshest_idle_connection_is_used_first():
    pool = make_pool()
    first, second = lend(pool, A, "one"), lend(pool, A, "two")
    pool.give_back(first, "one", 1)
    pool.give_back(second, "two", 2)
    assert pool.ask(A, 3).connection == "two"
    assert pool.ask(A, 3).connection == "one"
    assert pool.ask(A, 3).connection is None


@pytest.mark.parametrize(("idle", "reused"), [(14.9, True), (15.0, False), (99, False)])
def test_an_idle_connection_is_used_for_keepalive_seconds(idle, reused):
    pool = make_pool()
    pool.give_back(lend(pool, A, "one"), "one", 100.0)
    claim = pool.ask(A, 100.0 + idle)
    assert (claim.connection == "one") is reused
    assert pool.doomed == ([] if reused else ["one"])


def test_without_keepalive_bound_it_is_kept_for_ever():
    pool = make_pool(keepalive=None)
    pool.give_back(lend(pool, A, "one"), "one", 0)
    assert pool.expire(10**9) is None
    assert pool.ask(A, 10**9).connection == "one"


def test_keepalive_zero_keeps_nothing():
    pool = make_pool(keepalive=0)
    pool.give_back(lend(pool, A, "one"), "one", 0)
    assert pool.doomed == ["one"]
    assert pool.ask(A, 0).connection is None


def test_expire_dooms_the_old_and_tells_when_to_ask_again():
    pool = make_pool()
    claims = [lend(pool, A, n) for n in ("one", "two")]
    pool.give_back(claims[0], "one", 0)
    pool.give_back(claims[1], "two", 10)
    assert pool.expire(14) == 15
    assert pool.doomed == []
    assert pool.expire(15) == 25
    assert pool.doomed == ["one"]
    assert pool.expire(25) is None
    assert pool.stats().open == 0


def test_a_dead_idle_connection_is_doomed_and_not_lent():
    pool = make_pool(dead={"one"})
    pool.give_back(lend(pool, A, "one"), "one", 0)
    assert pool.ask(A, 1).connection is None
    assert pool.doomed == ["one"]


def test_forget_takes_an_idle_connection_out():
    pool = make_pool()
    pool.give_back(lend(pool, A, "one"), "one", 0)
    assert pool.forget("one")
    assert not pool.forget("one")
    assert pool.stats() == (0, 0, 0, {})


def test_claims_over_the_limit_are_served_in_order():
    pool = make_pool(limit=1)
    held = lend(pool, A, "one")
    queue = [pool.ask(key, 0) for key in (B, A, B)]
    assert not any(claim.granted for claim in queue)
    served = []
    for _ in queue:
        pool.give_back(held, None, 0)
        (held,) = pool.granted
        pool.granted.clear()
        served.append(held)
    assert served == queue


def test_a_claim_that_waits_for_its_endpoint_holds_up_no_other():
    pool = make_pool(limit=2, per_host=1)
    on_a = lend(pool, A, "a")
    waits = pool.ask(A, 0)
    on_b = pool.ask(B, 0)
    assert on_b.granted
    late = pool.ask(B, 0)
    pool.give_back(on_b, None, 0)
    assert pool.granted == [late]
    pool.give_back(on_a, "a", 0)
    assert pool.granted == [late, waits]
    assert waits.connection == "a"


def test_a_new_connection_takes_the_room_of_the_oldest_idle_one():
    pool = make_pool(limit=2)
    claims = [lend(pool, A, n) for n in ("one", "two")]
    pool.give_back(claims[0], "one", 0)
    pool.give_back(claims[1], "two", 1)
    claim = pool.ask(B, 2)
    assert claim.granted
    assert pool.doomed == ["one"]
    assert pool.stats().open == 2


def test_one_endpoint_keeps_its_limit_over_different_keys():
    pool = make_pool(per_host=1)
    named = A._replace(server_hostname="other")
    pool.give_back(lend(pool, A, "one"), "one", 0)
    assert pool.ask(named, 1).connection is None
    assert pool.doomed == ["one"]
    assert not pool.ask(A, 1).granted


def test_a_waiting_claim_that_gives_up_leaves_the_queue():
    pool = make_pool(limit=1)
    held = lend(pool, A, "one")
    gone, stays = pool.ask(A, 0), pool.ask(A, 0)
    pool.give_up(gone, 0)
    pool.give_up(gone, 0)
    pool.give_back(held, "one", 0)
    assert pool.granted == [stays]
    assert stays.connection == "one"


def test_a_granted_claim_that_gives_up_passes_its_turn_on():
    pool = make_pool(limit=1)
    held = lend(pool, A, "one")
    first, second = pool.ask(A, 0), pool.ask(A, 0)
    pool.give_back(held, "one", 0)
    assert first.granted
    pool.give_up(first, 0)
    assert second.granted
    assert second.connection == "one"


def test_clear_dooms_what_is_idle_and_gives_the_queue_in_order():
    pool = make_pool(limit=1)
    held = lend(pool, A, "one")
    queue = [pool.ask(B, 0), pool.ask(A, 0)]
    assert pool.clear() == queue
    pool.give_back(held, "one", 0)
    assert pool.granted == []
    assert pool.clear() == []
    assert pool.doomed == ["one"]


def test_figures():
    pool = make_pool(limit=2)
    lend(pool, A, "one")
    pool.give_back(lend(pool, B, "two"), "two", 0)
    stats = pool.stats()
    assert (stats.open, stats.idle, stats.waiting) == (2, 1, 0)
    assert stats.per_host == {
        ("a", 80, False): EndpointStats(1, 0, 0),
        ("b", 80, False): EndpointStats(0, 1, 0),
    }


def test_nothing_is_kept_of_endpoints_that_are_gone():
    pool = make_pool(limit=3, per_host=1)
    for number in range(1000):
        key = ConnectionKey(f"h{number}", 80, False)
        first = pool.ask(key, number)
        waits = pool.ask(key, number)
        pool.give_up(waits, number)
        pool.give_back(first, None, number)
    assert pool.stats().per_host == {}
    assert not pool._hosts
    assert not pool._lanes
    assert len(pool._ready) < 200


def test_notes_of_the_queue_stay_bounded_when_waiters_leave():
    pool = make_pool(limit=1)
    held = lend(pool, A, "one")
    stays = pool.ask(B, 0)
    for _ in range(2000):
        pool.give_up(pool.ask(A, 0), 0)
    assert len(pool._ready) < 200
    pool.give_back(held, None, 0)
    assert pool.granted == [stays]


URL_A = URL("https://a.example/x")
VARIANTS = [
    {},
    {"ssl": False},
    {"proxy": URL("http://proxy.example")},
    {"proxy": URL("http://proxy.example"), "proxy_auth": ("u", "p")},
    {"proxy": URL("http://proxy.example"), "proxy_headers": {"X": "1"}},
    {"proxy": URL("http://proxy.example"), "proxy_headers": {"X": "2"}},
    {"server_hostname": "b.example"},
]


def test_the_key_tells_every_way_apart():
    keys = [make_connection_key(URL_A, **variant) for variant in VARIANTS]
    keys += [make_connection_key(URL(u)) for u in ("http://a.example", "https://a.example:444")]
    keys.append(keys[0]._replace(path="/run/socket"))
    assert len(set(keys)) == len(keys)
    assert make_connection_key(URL_A) == make_connection_key(URL("https://a.example/y?z"))


def test_no_password_is_shown():
    key = make_connection_key(
        URL_A,
        proxy=URL("http://joe:secret@proxy.example"),
        proxy_auth=("joe", "secret"),
        proxy_headers={"Proxy-Authorization": "secret"},
    )
    assert "secret" not in repr(key)
    assert "proxy.example" in repr(key)


def test_what_needs_different_keys_never_shares_a_connection():
    pool = make_pool()
    for number, variant in enumerate(VARIANTS):
        claim = pool.ask(make_connection_key(URL_A, **variant), 0)
        assert claim.connection is None
        pool.give_back(claim, number, 0)
