"""A network's graph, rewritten so that every step that can be a module is one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .affine import Affine, is_affine
from .settled import not_in_place
from .steps import DROPPED, module_for, name_of

CHOSEN = "chosen"
_SIZES = ("size", "dim", "numel")
_ABOUT = ("shape", "ndim", "dtype", "device")

Replacing = Callable[[nn.Module], nn.Module]


class Mark(nn.Module):
    """What it is given, as a tensor of its own, so that a hook here is on nothing else."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


class Follower(fx.Tracer):
    """Follows a network's steps; a Mark named `chosen` marks the output of one layer, `seen` counts its runs."""

    def __init__(self, chosen: nn.Module | None) -> None:
        super().__init__()
        self.chosen, self.seen = chosen, 0

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        output = super().call_module(m, forward, args, kwargs)
        if m is not self.chosen:
            return output
        self.seen += 1
        return self.create_proxy("call_module", CHOSEN, (output,), {})


class Rewriter:
    """Makes the graph's steps modules, each with weights shared with `root`'s, or its own.

    where: for each step's name the path in `root` at which it runs.
    """

    def __init__(self, root: nn.Module, graph: fx.Graph, *, own_weights: bool, replacing: Replacing) -> None:
        self.where: dict[str, str] = {}
        self._root, self._graph, self._replacing = root, graph, replacing
        self._shared = {} if own_weights else {id(each): each for each in (*root.parameters(), *root.buffers())}
        self._holder = nn.Module()

    def rewritten(self, *, fold: bool) -> fx.GraphModule:
        """The rewritten network. fold: put batch norms into the convolutions before them."""
        pictures = from_image(self._graph)
        for node in list(self._graph.nodes):
            if node.op == "call_module":
                self._own(node)
            elif node.op == "get_attr":
                self._keep(node)
            elif node.op in ("call_function", "call_method") and node in pictures:
                self._as_module(node, pictures)
        if fold:
            self._fold()
        self._graph.lint()
        return fx.GraphModule(self._holder, self._graph)

    def _own(self, node: fx.Node) -> None:
        """A copy of a module for this one run of it; nothing for what does nothing."""
        if node.target == CHOSEN:
            self._hold(node, Mark(), CHOSEN)
            return
        module = self._root.get_submodule(str(node.target))
        if isinstance(module, DROPPED):
            (given,) = node.all_input_nodes
            node.replace_all_uses_with(given)
            self._graph.erase_node(node)
        else:
            node.target = self._hold(node, copy.deepcopy(module, dict(self._shared)))

    def _keep(self, node: fx.Node) -> None:
        """A weight that the network uses without a module."""
        at, _, last = str(node.target).rpartition(".")
        name = f"constant{len(self.where)}"
        self.where[name] = at
        setattr(self._holder, name, getattr(self._root.get_submodule(at), last))
        node.target = name

    def _as_module(self, node: fx.Node, pictures: set[fx.Node]) -> None:
        """A module for a function that has one."""
        module, arguments = module_for(node.target, node.args, node.kwargs), node.args[:1]
        if name_of(node.target) in ("add", "iadd") and sum(each in pictures for each in node.args) == 2:
            from captum.attr._utils.custom_modules import Addition_Module  # LRP knows sums by it alone

            module, arguments = Addition_Module(), node.args
        elif name_of(node.target) == "mean":
            module = _pooling(node)
        elif len(node.args) == 2 and not node.kwargs:
            module, arguments = self._affine(node, pictures), tuple(each for each in node.args if each in pictures)
        if module is None:
            return
        with self._graph.inserting_before(node):
            new = self._graph.call_module(self._hold(node, module), arguments)
        pictures.add(new)
        node.replace_all_uses_with(new)
        self._graph.erase_node(node)

    def _affine(self, node: fx.Node, pictures: set[fx.Node]) -> nn.Module | None:
        """Arithmetic of the picture with a number or a weight."""
        left = node.args[0] not in pictures
        constant: Any = node.args[0] if left else node.args[1]
        if constant in pictures or not is_affine(name_of(node.target), left=left):
            return None
        if isinstance(constant, fx.Node):
            if constant.op != "get_attr":
                return None
            constant = getattr(self._holder, str(constant.target))
        return Affine(name_of(node.target), constant, left=left)

    def _hold(self, node: fx.Node, module: nn.Module, name: str = "") -> str:
        name = name or f"step{len(self.where)}"
        not_in_place(module)
        self.where[name] = at(node)
        self._holder.add_module(name, self._replacing(module))
        return name

    def _fold(self) -> None:
        for node in list(self._graph.nodes):
            before = node.args[0] if node.op == "call_module" and node.args else None
            if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
                continue
            conv, norm = (self._holder.get_submodule(str(each.target)) for each in (before, node))
            if type(conv) is nn.Conv2d and type(norm) is nn.BatchNorm2d and norm.running_mean is not None:
                setattr(self._holder, str(before.target), fuse_conv_bn_eval(conv.eval(), norm.eval()))
                node.replace_all_uses_with(before)
                self._graph.erase_node(node)


def _pooling(node: fx.Node) -> nn.Module | None:
    """Global average pooling for a mean over both sides of the maps."""
    named = dict(node.kwargs)
    dims = node.args[1] if len(node.args) > 1 else named.get("dim", named.get("axis"))
    keep = node.args[2] if len(node.args) > 2 else named.get("keepdim", False)
    if not isinstance(dims, tuple | list) or sorted(map(str, dims)) not in (["2", "3"], ["-1", "-2"]):
        return None
    return nn.AdaptiveAvgPool2d(1) if keep else nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1))


def from_image(graph: fx.Graph) -> set[fx.Node]:
    """The nodes whose numbers hang on the image's; sizes and the like do not."""
    found: set[fx.Node] = set()
    for node in graph.nodes:
        if node.op == "placeholder":
            if not found:
                found.add(node)
        elif any(each in found for each in node.all_input_nodes):
            about = node.args[1] if node.target is getattr else ""
            if name_of(node.target) not in _SIZES and about not in _ABOUT:
                found.add(node)
    return found


def at(node: fx.Node) -> str:
    """The path of the module in which a step runs."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return str(stack[-1][0]) if stack else ""
