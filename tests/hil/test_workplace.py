from contextlib import AsyncExitStack

from quartier_hil.workplace import work_folder


async def test_a_folder_too_deep_for_a_socket_gets_a_short_one(tmp_path):
    async with AsyncExitStack() as stack:
        work = work_folder(tmp_path / ("r" * 90), stack)

        assert len(str(work)) < 60
        assert work.is_dir()
    assert not work.exists()
