"""What is said of the machine."""

from linclf.system import environment


def test_memory_is_counted_in_bytes():
    assert environment.available_memory() > 10e6
