"""A live module is left exactly as it was, whatever happens inside."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import open_classifier


class Odd(nn.Module):
    """In-place ReLU, one module used twice, a cache filled in forward, dropout, frozen first layer."""

    input_shape = (1, 16, 16)

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.again = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 3)
        self.seen: dict[str, torch.Tensor] = {}
        self.conv.requires_grad_(False)

    def forward(self, x):
        x = self.relu(self.norm(self.conv(x)))
        x = self.relu(self.again(self.relu(self.again(x))))
        self.seen["last"] = x
        return self.head(self.drop(x.mean((2, 3))))


def snapshot(module: nn.Module):
    attributes = {
        (name, key): (id(value), dict(value) if isinstance(value, dict) else value)
        for name, each in module.named_modules()
        for key, value in vars(each).items()
        if key not in ("_parameters", "_buffers", "_modules")
    }
    tensors = {
        name: (id(value), value.requires_grad, id(value.grad), value.detach().clone(), value._version)
        for name, value in [*module.named_parameters(), *module.named_buffers()]
    }
    return attributes, tensors


def assert_same(before, module: nn.Module):
    attributes, tensors = snapshot(module)
    assert attributes == before[0]
    assert tensors.keys() == before[1].keys()
    for name, (identity, required, grad, value, version) in tensors.items():
        assert (identity, required, grad, version) == (*before[1][name][:3], before[1][name][4]), name
        assert torch.equal(value, before[1][name][3]), name


def random_states():
    return torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy(), random.getstate()


def assert_same_randomness(before):
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state(legacy=False)["state"]["key"])
    assert before[2] == random.getstate()


@pytest.fixture
def odd() -> Odd:
    module = Odd().train()
    module.again.eval()  # a mixture of modes
    module.again.register_forward_hook(lambda *_: None)
    module.head.weight.grad = torch.ones_like(module.head.weight)
    return module


def vandalise(classifier) -> None:
    """All that a careless explainer does."""
    module = classifier.module
    module.train()
    module.conv.register_forward_hook(lambda *_: None)
    module.again.register_forward_pre_hook(lambda *_: None)
    module.norm.register_full_backward_hook(lambda *_: None)
    module.head.register_state_dict_post_hook(lambda *_: None)
    module.relu = nn.ReLU()
    module.head.bias = nn.Parameter(torch.zeros(3))
    module.forward = lambda x: x
    for parameter in module.parameters():
        parameter.requires_grad_(not parameter.requires_grad)
    del module.forward
    module.eval()
    scores = classifier.scores(classifier.inputs(np.zeros((2, 16, 16), np.uint8)))
    scores.sum().backward()
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)


def test_opening_predicting_and_scoring_leave_no_trace(odd: Odd):
    before, states = snapshot(odd), random_states()
    classifier = open_classifier(odd, device="auto")
    assert classifier.module is odd
    first = classifier.predict(np.full((3, 16, 16), 90, np.uint8))
    assert np.array_equal(first, classifier.predict(np.full((3, 16, 16), 90, np.uint8)))  # dropout was off
    _ = classifier.digest, classifier.layers
    odd.seen.clear()  # the network's own cache, filled by its own forward
    assert_same(before, odd)
    assert_same_randomness(states)


def test_everything_is_restored(odd: Odd):
    classifier = open_classifier(odd)
    before, states = snapshot(odd), random_states()
    with classifier.untouched():
        assert not any(each.training for each in odd.modules())
        assert odd.head.weight.grad is None
        vandalise(classifier)
    assert_same(before, odd)
    assert_same_randomness(states)
    assert torch.is_grad_enabled() and torch.get_default_dtype() is torch.float32
    assert torch.equal(odd.head.weight.grad, torch.ones_like(odd.head.weight))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_everything_is_restored_after_an_error(odd: Odd, error: type[BaseException]):
    classifier = open_classifier(odd)
    before, states = snapshot(odd), random_states()
    with pytest.raises(error), classifier.untouched():
        vandalise(classifier)
        raise error
    assert_same(before, odd)
    assert_same_randomness(states)


def test_everything_is_restored_when_a_generator_is_closed(odd: Odd):
    classifier = open_classifier(odd)
    before = snapshot(odd)

    def work():
        with classifier.untouched():
            odd.conv.register_forward_hook(lambda *_: None)
            yield 1
            raise AssertionError("closed before")

    running = work()
    next(running)
    running.close()
    assert_same(before, odd)


def test_a_forward_that_raises_leaves_no_trace(odd: Odd):
    classifier = open_classifier(odd)
    before = snapshot(odd)
    with pytest.raises(RuntimeError):
        classifier.scores(torch.zeros(1, 2, 16, 16))
    odd.seen.clear()
    assert_same(before, odd)


def test_gradients_work_inside_no_grad_and_inference_mode(odd: Odd):
    classifier = open_classifier(odd)
    for surrounding in (torch.no_grad(), torch.inference_mode()):
        with surrounding, classifier.untouched():
            x = classifier.inputs([np.full((16, 16), 7, np.uint8)]).requires_grad_()
            (grad,) = torch.autograd.grad(classifier.scores(x)[0, 1], x)
            assert grad.shape == x.shape and bool(grad.abs().sum() > 0)


def test_nested_use(odd: Odd):
    classifier = open_classifier(odd)
    before = snapshot(odd)
    with classifier.untouched():
        odd.conv.register_forward_hook(lambda *_: None)
        with classifier.untouched():
            odd.norm.register_forward_hook(lambda *_: None)
        assert len(odd.conv._forward_hooks) == 1 and not odd.norm._forward_hooks
    assert_same(before, odd)


def test_the_users_hooks_still_run(odd: Odd):
    calls = []
    handle = odd.head.register_forward_hook(lambda *_: calls.append(1))
    classifier = open_classifier(odd)
    with classifier.untouched():
        odd.head._forward_hooks.clear()
    calls.clear()
    classifier.predict([np.zeros((16, 16), np.uint8)])
    assert calls == [1]
    handle.remove()
    classifier.predict([np.zeros((16, 16), np.uint8)])
    assert calls == [1]


def test_a_reused_module_is_one_layer(odd: Odd):
    names = [layer.name for layer in open_classifier(odd).layers]
    assert names.count("again") == 1 and names.count("relu") == 1
    assert names.index("conv") < names.index("relu") < names.index("again") < names.index("head")


def test_data_parallel_and_compiled_are_unwrapped(odd: Odd):
    assert open_classifier(nn.DataParallel(odd)).module is odd
    assert open_classifier(torch.compile(odd)).module is odd


def test_weights_for_a_live_module_go_to_a_copy(odd: Odd, tmp_path):
    torch.save(Odd().state_dict(), tmp_path / "other.pt")
    before = snapshot(odd)
    classifier = open_classifier(odd, tmp_path / "other.pt")
    assert classifier.module is not odd
    odd.seen.clear()
    assert_same(before, odd)


def test_the_digest_follows_training(odd: Odd):
    classifier = open_classifier(odd)
    first = classifier.digest
    assert classifier.digest == first
    with torch.no_grad():
        odd.head.bias.add_(1)
    assert classifier.digest != first
