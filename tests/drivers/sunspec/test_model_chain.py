"""The walk along a device's models ends whatever the device answers."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.sunspec.model_chain import (
    BASE_ADDRESSES,
    MARKER,
    MODELS_MAX,
    ChainWords,
    FoundModel,
    ModelChain,
    NoWords,
    RegisterRequest,
    walk_chain,
)

Answers = Callable[[RegisterRequest], ChainWords]


def walked(
    answers: Answers, bases: Sequence[int] = BASE_ADDRESSES
) -> tuple[ModelChain | None, list[RegisterRequest]]:
    """What the walk finds, and all that it asked."""
    asked = []
    walking = walk_chain(bases)
    ask = next(walking)
    while True:
        asked.append(ask)
        try:
            ask = walking.send(answers(ask))
        except StopIteration as ended:
            return ended.value, asked


def memory(words: Sequence[int], base: int = 40000, void: NoWords = NoWords.REFUSED) -> Answers:
    """A device that has these registers from ``base`` on and nothing else."""

    def answer(ask: RegisterRequest) -> ChainWords:
        at = ask.address - base
        return words[at : at + ask.count] if at >= 0 and at + ask.count <= len(words) else void

    return answer


def model(number: int, length: int) -> list[int]:
    return [number, length, *[0] * length]


MAP = [*MARKER, *model(1, 66), *model(103, 50), *model(103, 50), *model(64999, 7), 0xFFFF, 0]


def test_models_are_found_in_their_order_and_like_ones_counted():
    chain, asked = walked(memory(MAP))

    assert (
        FoundModel(1, 40002, 66, 1),
        FoundModel(103, 40070, 50, 1),
        FoundModel(103, 40122, 50, 2),
        FoundModel(64999, 40174, 7, 1),
    ) == chain.models
    assert () == chain.faults
    assert 5 == len(asked)
    assert 40122 == chain.of(103, 2).address
    assert chain.of(103, 3) is None


@pytest.mark.parametrize("base", BASE_ADDRESSES)
@pytest.mark.parametrize("void", list(NoWords))
def test_the_map_is_found_at_each_place_also_where_the_others_are_silent(base, void):
    assert base == walked(memory(MAP, base, void))[0].base


def test_a_map_that_may_not_be_read_together_with_its_marker_is_found():
    whole = memory(MAP)

    chain, _ = walked(lambda ask: NoWords.REFUSED if ask.count > 2 else whole(ask))

    assert 4 == len(chain.models)


def test_registers_without_the_marker_are_no_map():
    assert walked(lambda ask: [0x5375] * ask.count)[0] is None


def test_an_end_without_a_length_is_an_end():
    assert () == walked(memory(MAP[:-1]))[0].faults


@pytest.mark.parametrize("void", list(NoWords))
def test_a_chain_without_an_end_is_told(void):
    chain, _ = walked(memory(MAP[:-2], void=void))

    assert 4 == len(chain.models)
    assert (f"the chain ends without 0xFFFF: register 40183 is {void.value}",) == chain.faults


def test_a_model_0_ends_the_chain():
    chain, _ = walked(memory([*MARKER, *model(1, 66), 0, 0, 0, 0]))

    assert ("a model 0 at 40070: the chain ends there without 0xFFFF",) == chain.faults


def test_a_length_beyond_the_last_register_is_told_and_its_model_left_out():
    chain, _ = walked(memory([*MARKER, *model(1, 66), 103, 0xFFF0]))

    assert [1] == [found.number for found in chain.models]
    assert "would reach beyond 65535" in chain.faults[0]


def test_a_chain_of_empty_models_is_cut_off():
    chain, asked = walked(lambda ask: [*MARKER, 7, 0] if ask.address == 40000 else [7, 0][: ask.count])

    assert MODELS_MAX == len(chain.models)
    assert "more than" in chain.faults[0]
    assert len(asked) < MODELS_MAX + 5


def test_a_chain_up_to_the_last_register_ends_there():
    first = 65536 - 50002 - 2

    chain, _ = walked(lambda ask: [*MARKER, 9, first] if ask.address == 50000 else NoWords.SILENT)

    assert 65536 == chain.models[0].end
    assert ("the chain reaches 65535 without 0xFFFF",) == chain.faults


@given(st.data())
def test_whatever_is_answered_the_walk_ends_within_its_bounds(data):
    word = st.sampled_from([0, 1, 2, 103, 0x5375, 0x6E53, 0xFFFE, 0xFFFF]) | st.integers(0, 0xFFFF)

    def answer(ask: RegisterRequest) -> ChainWords:
        assert 0 <= ask.address <= ask.address + ask.count <= 0x10000
        if ask.address in BASE_ADDRESSES and data.draw(st.booleans()):
            return [*MARKER, *data.draw(st.tuples(word, word))][: ask.count]
        return data.draw(
            st.lists(word, min_size=ask.count, max_size=ask.count) | st.sampled_from(list(NoWords))
        )

    chain, asked = walked(answer)

    assert len(asked) < 3 * MODELS_MAX + 10
    if chain is not None:
        assert all(one.end <= 0x10000 for one in chain.models)
