"""Signals that wait until what must be done whole is done."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

import pytest
from workbench_store import held_back
from workbench_store.held_back import HeldBack, hear_what_waits, signal_waits

from tests.interrupting import CtrlC

heard: list[str] = []


def note(number: int, frame: FrameType | None) -> None:
    heard.append(signal.Signals(number).name)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    heard.clear()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)  # Python calls its handlers in between


def test_a_signal_is_heard_behind_the_block_in_its_order() -> None:
    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGHUP, note)
    with HeldBack(), HeldBack():
        send(signal.SIGTERM)
        send(signal.SIGHUP)
        assert heard == [] and signal_waits()
    assert heard == ["SIGTERM", "SIGHUP"] and not signal_waits()
    assert signal.getsignal(signal.SIGTERM) is note
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_a_handler_raises_comes_behind_the_block() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), HeldBack():
        send(signal.SIGINT)
        done.append(True)
    assert done and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_waits_may_hear_it_there_and_everything_is_put_back() -> None:
    with pytest.raises(KeyboardInterrupt), HeldBack(), HeldBack():
        send(signal.SIGINT)
        hear_what_waits()
        pytest.fail("it was not heard")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler and not signal_waits()


def test_what_may_come_at_once_does() -> None:
    with pytest.raises(KeyboardInterrupt), HeldBack(lambda frame: True):
        send(signal.SIGINT)
        pytest.fail("it was not heard")


def test_pressed_again_after_a_while_it_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_back, "_PATIENCE_SECONDS", 0.05)
    with pytest.raises(KeyboardInterrupt), HeldBack(), HeldBack():
        send(signal.SIGINT)
        send(signal.SIGINT)
        time.sleep(0.1)
        send(signal.SIGINT)
        pytest.fail("it was not heard")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_all_that_waited_is_heard_also_behind_one_that_raises() -> None:
    signal.signal(signal.SIGTERM, note)
    with pytest.raises(KeyboardInterrupt), HeldBack():
        send(signal.SIGINT)
        send(signal.SIGTERM)
    assert heard == ["SIGTERM"]


def test_wherever_ctrl_c_comes_no_other_signal_is_swallowed_later() -> None:
    signal.signal(signal.SIGTERM, note)
    sent, place = True, 0
    while sent:
        ctrl_c, interrupted = CtrlC(place, held_back.__file__, event="line"), False
        try:
            with ctrl_c, HeldBack():
                pass
        except KeyboardInterrupt:
            interrupted = True
        sent = ctrl_c.sent
        assert interrupted == sent, place
        heard.clear()
        send(signal.SIGTERM)
        assert heard == ["SIGTERM"] and not signal_waits(), place
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.getsignal(signal.SIGTERM) is note
        place += 1
    assert place > 20


def test_a_handler_that_is_set_meanwhile_stays() -> None:
    with HeldBack():
        signal.signal(signal.SIGTERM, note)
        signal.signal(signal.SIGINT, note)
    assert signal.getsignal(signal.SIGTERM) is note and signal.getsignal(signal.SIGINT) is note


def test_in_other_threads_nothing_is_held_back() -> None:
    signal.signal(signal.SIGTERM, note)
    inside, over = threading.Event(), threading.Event()

    def hold() -> None:
        with HeldBack():
            inside.set()
            over.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    send(signal.SIGTERM)
    over.set()
    thread.join()
    assert heard == ["SIGTERM"]


def test_a_child_that_another_thread_forks_is_not_in_the_block() -> None:
    codes: list[int] = []

    def fork() -> None:
        child = os.fork()
        if child == 0:
            try:
                send(signal.SIGINT)
                os._exit(1)
            except KeyboardInterrupt:
                os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    with HeldBack():
        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()
    assert codes == [0]


def test_a_child_that_is_forked_within_the_block_is_in_it() -> None:
    with HeldBack():
        child = os.fork()
        if child == 0:
            send(signal.SIGINT)
            os._exit(0 if signal_waits() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
