"""The Unix socket: who may use it, and who is at its other end."""

import grp
import os
import pwd
import socket
import stat
from pathlib import Path

import pytest

from quotadeck.domain.commands import Actor, Role
from quotadeck.gateway.connection.peer import (
    PATH_LIMIT_BYTES,
    SocketBusy,
    SocketError,
    SocketPathTooLong,
    actor_of,
    bind_socket,
)
from quotadeck.words import say
from tests.gateway.serving import ME, short
from tests.wording import refuses

MY_GROUP = grp.getgrgid(os.getgid()).gr_name


class TestBinding:
    def test_the_socket_is_for_its_owner_and_group_alone(self, tmp_path: Path) -> None:
        path = short(tmp_path) / "run" / "s"
        bound = bind_socket(path, MY_GROUP)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
        assert path.stat().st_gid == os.getgid()
        bound.remove()
        bound.sock.close()
        assert not path.exists()

    def test_a_folder_that_is_there_stays_as_it_is(self, tmp_path: Path) -> None:
        folder = short(tmp_path) / "run"
        folder.mkdir()
        folder.chmod(0o711)
        bound = bind_socket(folder / "s", None)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o711
        bound.sock.close()

    def test_a_live_socket_is_left_alone(self, tmp_path: Path) -> None:
        path = short(tmp_path) / "s"
        bound = bind_socket(path, None)
        with pytest.raises(SocketBusy) as busy:
            bind_socket(path, None)
        assert "a gateway answers there already" in say(busy.value.told)
        assert "\n" not in str(busy.value)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        bound.sock.close()

    def test_a_socket_file_that_nobody_answers_is_replaced(self, tmp_path: Path) -> None:
        path = short(tmp_path) / "s"
        bind_socket(path, None).sock.close()
        assert path.is_socket()
        bound = bind_socket(path, None)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        bound.sock.close()

    def test_what_is_no_socket_is_not_removed(self, tmp_path: Path) -> None:
        path = short(tmp_path) / "s"
        path.write_text("precious")
        with refuses(SocketError, match="something that is no socket is there"):
            bind_socket(path, None)
        assert path.read_text() == "precious"

    def test_anothers_socket_is_not_removed_at_the_end(self, tmp_path: Path) -> None:
        path = short(tmp_path) / "s"
        first = bind_socket(path, None)
        first.sock.close()
        second = bind_socket(path, None)
        first.remove()
        assert path.is_socket()
        second.remove()
        second.remove()
        second.sock.close()

    def test_a_path_that_does_not_fit_is_said_with_its_length(self, tmp_path: Path) -> None:
        path = tmp_path / ("x" * PATH_LIMIT_BYTES)
        with refuses(SocketPathTooLong, match=f"at most {PATH_LIMIT_BYTES} bytes"):
            bind_socket(path, None)

    def test_the_longest_path_that_fits(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        bound = bind_socket(Path("x" * PATH_LIMIT_BYTES), None)
        bound.sock.close()

    def test_a_group_that_does_not_exist(self, tmp_path: Path) -> None:
        with refuses(SocketError, match="there is no group 'nobody-here'"):
            bind_socket(short(tmp_path) / "s", "nobody-here")

    def test_a_place_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with refuses(SocketError, match="the admin socket cannot be made here"):
            bind_socket(short(tmp_path) / "file" / "s", None)


class TestActors:
    UID = os.getuid()

    def test_the_gateways_own_account_is_admin(self) -> None:
        assert actor_of(self.UID, {}, self.UID) == Actor(ME, Role.ADMIN, "socket")

    def test_who_is_not_listed_is_a_viewer(self) -> None:
        roles = {Role.OPERATOR: ("user:somebody-else", "group:none-of-mine")}
        assert actor_of(self.UID, roles, -1) == Actor(ME, Role.VIEWER, "socket")

    @pytest.mark.parametrize("listed", [f"user:{ME}", f"group:{MY_GROUP}"])
    @pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
    def test_by_name_or_by_group(self, listed: str, role: Role) -> None:
        assert actor_of(self.UID, {role: (listed,)}, -1).role is role

    def test_the_highest_role_counts(self) -> None:
        roles = {Role.OPERATOR: (f"user:{ME}",), Role.ADMIN: (f"group:{MY_GROUP}",)}
        assert actor_of(self.UID, roles, -1).role is Role.ADMIN

    def test_every_supplementary_group_counts(self) -> None:
        members = [
            (group.gr_name, member)
            for group in grp.getgrall()
            for member in group.gr_mem
            if _known(member)
        ]
        if not members:
            pytest.skip("no account of this machine is in a supplementary group")
        group, member = members[0]
        roles = {Role.OPERATOR: (f"group:{group}",)}
        assert actor_of(pwd.getpwnam(member).pw_uid, roles, -1).role is Role.OPERATOR

    def test_an_account_that_does_not_exist_is_a_viewer_by_its_number(self) -> None:
        uid = next(uid for uid in range(61_000, 65_000) if not _exists(uid))
        assert actor_of(uid, {}, -1) == Actor(f"uid:{uid}", Role.VIEWER, "socket")


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _exists(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
