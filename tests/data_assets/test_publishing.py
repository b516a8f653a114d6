"""Outputs copied to a place where others read and write too: every name there leads to something whole."""

import multiprocessing
import os
from pathlib import Path

import pytest
from workbench.data.copying import publish

SIZE = 2 * 1024 * 1024


def again_and_again(source: Path, target: Path, by: str) -> None:
    for _ in range(40):
        publish(source, target, by)


def test_two_publishers_of_one_place_never_mix(tmp_path: Path) -> None:
    sources = []
    for letter in (b"a", b"b"):
        source = tmp_path / letter.decode()
        source.mkdir()
        (source / "z").write_bytes(letter * SIZE)
        sources.append(source)
    target = tmp_path / "dest"
    publish(sources[0], target, "first")
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=again_and_again, args=(source, target, source.name)) for source in sources]
    for worker in workers:
        worker.start()
    seen = set()
    while any(worker.is_alive() for worker in workers):
        content = (target / "z").read_bytes()
        assert len(content) == SIZE and len(set(content)) == 1
        seen.add(content[:1])
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert seen <= {b"a", b"b"} and [path.name for path in target.iterdir()] == ["z"]


def test_a_copy_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (tmp_path / "new").write_text("new")
    (place / "there").write_text("there")

    def failing(source: Path, target: Path) -> None:
        Path(target).write_text("ne")
        raise OSError("the disk is full")

    monkeypatch.setattr("workbench.data.copying.copy_file", failing)
    with pytest.raises(OSError, match="full"):
        publish(tmp_path / "new", place / "there", "run")
    assert (place / "there").read_text() == "there"
    assert [path.name for path in place.iterdir()] == ["there"]


def test_links_folders_and_modes_come_along_and_what_else_is_there_stays(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep" / "empty").mkdir(parents=True)
    (source / "deep" / "tool").write_text("#!/bin/sh\n")
    (source / "deep" / "tool").chmod(0o755)
    (source / "inside").symlink_to("deep/tool")
    (source / "out").symlink_to("../elsewhere")
    (source / "closed").mkdir(mode=0o555)
    os.mkfifo(source / "pipe")
    (target / "deep").mkdir(parents=True)
    (target / "deep" / "mine").write_text("mine")
    (tmp_path / "real").write_text("old")
    (target / "linked").symlink_to(tmp_path / "real")
    (source / "linked").write_text("new")
    for _ in range(2):
        publish(source, target, "run")
    assert os.access(target / "deep" / "tool", os.X_OK) and (target / "deep" / "mine").read_text() == "mine"
    assert os.readlink(target / "inside") == "deep/tool"
    assert os.path.realpath(target / "out") == str(tmp_path / "elsewhere")
    assert (target / "linked").is_symlink() and (tmp_path / "real").read_text() == "new"
    assert (target / "closed").stat().st_mode & 0o777 == 0o555 and not (target / "pipe").exists()
    assert {path.name for path in target.iterdir()} == {"deep", "inside", "out", "closed", "linked"}
