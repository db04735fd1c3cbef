"""How a supervised process speaks to its supervisor; standard library only. Does nothing where there is none."""

from __future__ import annotations

import contextlib
import os
import socket
import threading

from muntin.supervisor.wire import (
    CONTROL_VARIABLE,
    GO_VARIABLE,
    MAX_LINE_BYTES,
    NAME_VARIABLE,
    PARENT_VARIABLE,
    READY,
    ROLL,
    SOCKET_VARIABLE,
    roll_id,
)


class Supervised:
    """This process's end of the control pipe."""

    def __init__(
        self,
        control_fd: int | None,
        socket_fd: int | None,
        name: str,
        parent_pid: int | None,
        go_fd: int | None = None,
    ) -> None:
        self._control_fd = control_fd
        self._go_fd = go_fd
        self._lock = threading.Lock()
        self.socket_fd = socket_fd
        self.name = name  # "web.1", or "" without a supervisor
        self.parent_pid = parent_pid

    @classmethod
    def attach(cls) -> Supervised:
        """Take over what the supervisor left in the environment; children of this process do not inherit it.

        Whoever started this process by hand gets an inert one.
        """
        control, go, bound, parent = (
            os.environ.pop(name, None) for name in (CONTROL_VARIABLE, GO_VARIABLE, SOCKET_VARIABLE, PARENT_VARIABLE)
        )
        for descriptor in (control, go, bound):
            if descriptor is not None:
                os.set_inheritable(int(descriptor), False)
        name = os.environ.pop(NAME_VARIABLE, "")
        return cls(_number(control), _number(bound), name, _number(parent), _number(go))

    @property
    def is_supervised(self) -> bool:
        """Whether a supervisor listens."""
        return self._control_fd is not None

    def listening_socket(self) -> socket.socket | None:
        """The socket the supervisor bound, None when it bound none for this process."""
        return None if self.socket_fd is None else socket.socket(fileno=os.dup(self.socket_fd))

    def wait_for_go(self) -> bool:
        """Block until the supervisor says go; at once where it does not make this process wait.

        A process that was started while the store is still being migrated imports what it needs before it calls this,
        and touches store, bus and plugins only afterwards.

        Returns:
            Whether to go on; False when the supervisor is gone or gave up.
        """
        if self._go_fd is None:
            return True
        said = os.read(self._go_fd, 1)
        os.close(self._go_fd)
        self._go_fd = None
        return bool(said)

    def ready(self) -> None:
        """Say that this process serves; the one it replaces may stop now."""
        self.write(READY)

    def roll(self, data: object) -> None:
        """Hand the data of a `supervisor.roll` message on, as it came.

        The supervisor is not on PostgreSQL's or Redis's bus, its children are; it acts once per id, however many of
        them hand it on.
        """
        self.write(f"{ROLL} {roll_id(data)}")

    def write(self, line: str) -> None:
        """Write one line, cut to what a pipe takes in one piece; a supervisor that is gone is no error."""
        if self._control_fd is None:
            return
        data = line.encode().replace(b"\n", b" ")[: MAX_LINE_BYTES - 1] + b"\n"
        with self._lock, contextlib.suppress(OSError):
            os.write(self._control_fd, data)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
