"""Events run in order, each at its own time."""

import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.ec2 import RealClock, VirtualClock
from tests.lab.support import PATIENCE


@given(st.lists(st.floats(0, 100), max_size=20))
def test_events_run_by_time_then_in_the_order_of_scheduling(delays):
    clock, ran = VirtualClock(), []
    for number, delay in enumerate(delays):
        clock.after(delay, partial(lambda n: ran.append((clock.seconds(), n)), number))
    clock.advance(100)
    assert ran == sorted((delay, number) for number, delay in enumerate(delays))
    assert clock.seconds() == 100


def test_what_an_event_schedules_runs_in_the_same_advance_if_due():
    clock, ran = VirtualClock(), []
    clock.after(1, lambda: clock.after(1, lambda: ran.append(clock.seconds())))
    clock.after(1.5, lambda: ran.append(clock.seconds()))
    clock.advance(3)
    assert ran == [1.5, 2]


def test_a_cancelled_event_never_runs():
    clock, ran = VirtualClock(), []
    clock.after(1, lambda: ran.append(1)).cancel()
    clock.advance(2)
    assert ran == []
    assert clock.next_due() is None


def test_an_event_may_let_time_pass_itself():
    clock, ran = VirtualClock(), []

    def sleeper():
        clock.sleep(5)
        ran.append(("sleeper", clock.seconds()))

    clock.after(1, sleeper)
    clock.after(2, lambda: ran.append(("other", clock.seconds())))
    clock.advance(3)
    assert ran == [("other", 2), ("sleeper", 6)]
    assert clock.seconds() == 6


def test_time_does_not_run_back():
    with pytest.raises(ValueError, match="forward"):
        VirtualClock().advance(-1)


def test_the_real_clock_runs_events_on_its_thread_until_it_is_stopped():
    clock, ran = RealClock(), threading.Event()
    clock.after(0.01, ran.set)
    assert ran.wait(PATIENCE)
    clock.stop()
    assert not [thread for thread in clock._threads if thread.is_alive()]


def test_a_failing_event_does_not_stop_real_time():
    clock, ran = RealClock(), threading.Event()
    clock.after(0, lambda: 1 / 0)
    clock.after(0.01, ran.set)
    assert ran.wait(PATIENCE)
    clock.stop()
    assert [type(failure) for failure in clock.failures] == [ZeroDivisionError]


def test_slow_work_does_not_hold_up_events():
    clock, ran, gate = RealClock(), threading.Event(), threading.Event()
    clock.hand_over(lambda: gate.wait(PATIENCE))
    clock.after(0, ran.set)
    assert ran.wait(PATIENCE)
    gate.set()
    clock.stop()
