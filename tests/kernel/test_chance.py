"""Random bytes come a page at a time and are given out once, in every thread and process."""

import os
from concurrent.futures import ThreadPoolExecutor

from shiyu.kernel.chance import random_bytes
from shiyu.kernel.db import new_id


def test_no_bytes_are_given_out_twice_also_where_a_page_ends():
    found = [random_bytes(12) for _ in range(5000)]

    assert {len(one) for one in found} == {12}
    assert len(set(found)) == len(found)
    assert len(random_bytes(10_000)) == 10_000


def test_a_forked_process_begins_a_page_of_its_own():
    random_bytes(8)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, random_bytes(16))
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reader, 16) != random_bytes(16)


def test_ids_grow_within_a_thread_and_are_never_equal_among_threads():
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: [new_id() for _ in range(2000)], range(4)))

    assert all(ids == sorted(ids) for ids in made)
    assert len({one for ids in made for one in ids}) == 8000
    assert {one.version for one in made[0]} == {7}
