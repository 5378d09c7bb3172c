"""The supervisor's decisions: what starts, what leaves, what is given up, second by second."""

from tercel.cli.supervisor import (
    MAX_DEATHS,
    Kill,
    Leave,
    Say,
    Start,
    Stop,
    Supervisor,
)


def made(wanted: int = 2, **settings: bool) -> Supervisor:
    return Supervisor(wanted, patience=10, **settings)


def serving(wanted: int = 2) -> Supervisor:
    supervisor = made(wanted)
    supervisor.decide(0)
    for number in range(1, wanted + 1):
        supervisor.ready(number)
    return supervisor


def test_all_start_at_once() -> None:
    supervisor = made(3)
    assert supervisor.decide(0) == [Start(1), Start(2), Start(3)]
    assert supervisor.decide(0) == []
    assert supervisor.next_time() is None


def test_a_worker_that_died_is_replaced_at_once_and_the_next_later() -> None:
    supervisor = serving()
    assert "by signal 9" in str(supervisor.ended(1, 5, -9))
    assert supervisor.decide(5) == [Start(3)]
    supervisor.ready(3)
    for number, moment, pause in ((3, 6, 0.5), (4, 7, 1), (5, 9, 2)):
        supervisor.ended(number, moment, 1)
        assert supervisor.decide(moment) == []
        assert supervisor.next_time() == moment + pause
        assert supervisor.decide(moment + pause) == [Start(number + 1)]
        supervisor.ready(number + 1)
    # One that has lived well begins the count anew.
    supervisor.ended(6, 100, 1)
    assert supervisor.decide(100) == [Start(7)]


def test_too_many_deaths_end_everything() -> None:
    supervisor = serving(1)
    moment = 0.0
    for number in range(1, MAX_DEATHS + 1):
        supervisor.ended(number, moment, 1)
        moment = supervisor.next_time() or moment
        assert supervisor.decide(moment) == [Start(number + 1)]
        supervisor.ready(number + 1)
    supervisor.ended(MAX_DEATHS + 1, moment, 1)
    assert supervisor.decide(moment) == []
    assert supervisor.is_done
    assert supervisor.exit_code == 1


def test_a_replacement_is_ready_before_the_old_one_leaves() -> None:
    supervisor = serving()
    supervisor.replace()
    assert supervisor.decide(1) == [Start(3)]
    assert supervisor.decide(1) == []
    supervisor.ready(3)
    assert supervisor.decide(2) == [Leave(1), Start(4)]
    supervisor.ended(1, 3, 0)
    assert supervisor.decide(3) == []
    supervisor.ready(4)
    assert supervisor.decide(4) == [Leave(2)]
    supervisor.ended(2, 5, 0)
    assert supervisor.decide(5) == []
    assert sorted(supervisor.workers) == [3, 4]


def test_a_second_replacement_overtakes_the_first() -> None:
    supervisor = serving(1)
    supervisor.replace()
    supervisor.decide(1)
    supervisor.replace()
    assert supervisor.decide(1) == [Leave(2), Start(3)]
    supervisor.ready(3)
    assert supervisor.decide(2) == [Leave(1)]


def test_old_code_serves_on_where_the_new_does_not_start() -> None:
    supervisor = serving()
    supervisor.replace()
    supervisor.decide(1)
    said = supervisor.ended(3, 2, 2, "app.py, line 3: invalid syntax")
    assert said == [Say("app.py, line 3: invalid syntax (the old code serves on)", True)]
    assert supervisor.decide(2) == []
    assert not supervisor.is_stopping
    supervisor.replace()
    assert supervisor.decide(3) == [Start(4)]


def test_nothing_that_starts_is_a_failure_of_the_whole() -> None:
    supervisor = made()
    supervisor.decide(0)
    supervisor.ended(1, 1, 2, "there is no module 'app'")
    assert supervisor.decide(1) == [Stop(2)]
    supervisor.ended(2, 2, 0)
    assert supervisor.is_done
    assert (supervisor.exit_code, supervisor.failure) == (2, "there is no module 'app'")


def test_with_reload_it_is_waited_for() -> None:
    supervisor = made(1, waits_for_change=True)
    supervisor.decide(0)
    said = supervisor.ended(1, 1, 2, "app.py, line 3: invalid syntax")
    assert said == [Say("app.py, line 3: invalid syntax (waiting for a change)", True)]
    assert supervisor.decide(1) == []
    assert supervisor.next_time() is None
    supervisor.replace()
    assert supervisor.decide(2) == [Start(2)]


def test_who_does_not_end_in_time_is_killed() -> None:
    supervisor = serving(1)
    supervisor.stop()
    assert supervisor.decide(1) == [Stop(1)]
    assert supervisor.next_time() == 11
    assert supervisor.decide(10.9) == []
    assert supervisor.decide(11) == [Kill(1)]
    supervisor.ended(1, 12, -9)
    assert supervisor.is_done
    assert supervisor.exit_code == 0


def test_their_number_can_change() -> None:
    supervisor = serving(2)
    supervisor.change_number(1)
    assert supervisor.decide(1) == [Start(3)]
    supervisor.ready(3)
    supervisor.change_number(-2)
    assert supervisor.decide(2) == [Leave(1), Leave(2)]
    supervisor.change_number(-5)
    assert supervisor.wanted == 1
