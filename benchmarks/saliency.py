"""Saliency beside captum's, in one process: python benchmarks/saliency.py [--repeats N] [--threads N] [--device D]

The real images and checkpoint are found through FER_TUI_TEST_DATA; without it only the network of 224 pixels runs.
Each repeat times every contender once, in an order that changes; a ratio is captum's median time over ours. First the
gradient of many images: captum's best batch beside ours, on the network as it is and on its folded copy. Then every
variant, image by image, captum with its own batches of 16 where it has any.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from captum.attr import (
    Deconvolution,
    GuidedBackprop,
    InputXGradient,
    IntegratedGradients,
    NoiseTunnel,
    Occlusion,
)
from captum.attr import Saliency as CaptumSaliency
from nets import resnet18

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Place, Subject
from fer_tui_plugins.saliency import Saliency, SaliencyParameters
from fer_tui_plugins.saliency_occlusion import window_of

Images = np.ndarray
Maps = list[np.ndarray]
Attribute = Callable[[torch.Tensor, int], torch.Tensor]
NOISY = ("smoothgrad", "smoothgrad-squared", "vargrad")
FER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0, help="torch's threads; 0: torch's own choice")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-variants", action="store_true", help="only the gradient of many images")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = torch.cuda.get_device_name() if arguments.device.startswith("cuda") else platform.processor() or "CPU"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {device}")
    print(f"torch {torch.__version__}, load {os.getloadavg()[0]:.1f}, {arguments.repeats} interleaved repeats\n")
    shared = os.environ.get("FER_TUI_TEST_DATA")
    if shared:
        classifier, images = hhccode(Path(shared), arguments.device)
        compare("hhccode, 512 PublicTest images of 48 px", classifier, images, arguments.repeats)
        if not arguments.no_variants:
            others = linkingmon(Path(shared), arguments.device)
            compare_variants("linkingmon, 8 PublicTest images", others, images[:8], arguments.repeats)
    classifier, images = photographs(arguments.device)
    compare("ResNet-18-like, 16 RGB images of 224 px", classifier, images, arguments.repeats)
    if not arguments.no_variants:
        repeats = max(1, arguments.repeats // 3)
        compare_variants("ResNet-18-like, one RGB image of 224 px", classifier, images[:1], repeats)


def hhccode(shared: Path, device: str) -> tuple[TorchClassifier, Images]:
    with np.load(shared / "data" / "fer2013_trainval.npz") as file:
        images = file["images"][file["usage"] == 1][:512]
    nets, weights = shared / "models" / "nets.py", shared / "models" / "hhccode_mobilenetv1.pt"
    return open_classifier(f"{nets}:MobileGap3", weights, classes=FER, device=device), images


def linkingmon(shared: Path, device: str) -> TorchClassifier:
    """A network with nn.ReLU, where captum's guided backpropagation works too."""
    nets, weights = shared / "models" / "nets.py", shared / "models" / "linkingmon_mobilenet.pt"
    return open_classifier(f"{nets}:MobileGap6", weights, classes=FER, device=device)


def photographs(device: str) -> tuple[TorchClassifier, Images]:
    images = np.random.default_rng(0).integers(0, 256, (16, 224, 224, 3), dtype=np.uint8)
    network = resnet18().to(device)
    return open_classifier(network, size=(224, 224), classes=FER, device=device), images


def compare(title: str, classifier: TorchClassifier, images: Images, repeats: int) -> None:
    """Time all contenders, check that they agree, print medians and ratios."""
    contenders = dict(all_contenders(classifier, images))
    maps, medians = timed(contenders, repeats)
    reference = next(iter(maps.values()))  # captum's
    print(
        f"{title}: seconds, milliseconds an image, largest difference as a share of the map's maximum, rank correlation"
    )
    for name, taken in medians.items():
        gap = max(np.abs(a - b).max() / b.max() for a, b in zip(maps[name], reference, strict=True))
        rank = np.mean([spearman(a, b) for a, b in zip(maps[name], reference, strict=True)])
        print(f"  {name:24} {taken:8.3f} {1000 * taken / len(images):8.2f} {gap:10.1e} {rank:10.6f}")
    best = min(taken for name, taken in medians.items() if name.startswith("captum,") and "one by one" not in name)
    if "captum, one by one" in medians:
        print(f"  ratio, one by one     {medians['captum, one by one'] / medians['fer-tui, one by one']:6.2f}")
    for kind in ("exact", "folded", "bfloat16"):
        print(f"  ratio, {kind:14} {best / medians[f'fer-tui, {kind}']:6.2f}  (against captum's best batch)")
    print()


def compare_variants(title: str, classifier: TorchClassifier, images: Images, repeats: int) -> None:
    """Every variant, image by image, beside captum's."""
    targets = classifier.predict(images).argmax(1).tolist()
    subjects = [
        Subject(classifier, Place(row, target), image)
        for row, (image, target) in enumerate(zip(images, targets, strict=True))
    ]
    print(f"{title}: captum, fer-tui (seconds), ratio, largest difference as a share of the map's maximum")
    for variant, attribute in captum_variants(classifier).items():
        parameters = SaliencyParameters(variant=variant)

        def captums(attribute: Attribute = attribute) -> Maps:
            made = []
            for image, target in zip(images, targets, strict=True):
                made.append(attribute(classifier.inputs([image]), target)[0].detach().cpu().numpy())
            return made

        def ours(parameters: SaliencyParameters = parameters) -> Maps:
            made = []
            for subject in subjects:
                *_, last = Saliency().explain(subject, parameters)
                made.append(last.explanation.extras.get("channels", last.explanation.values[None]))
            return made

        maps, medians = timed({"captum": captums, "fer-tui": ours}, repeats)
        gap = max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(maps["fer-tui"], maps["captum"], strict=True))
        told = f"{gap:10.1e}" if variant not in NOISY else "  its own noise"
        ratio = medians["captum"] / medians["fer-tui"]
        print(f"  {variant:20} {medians['captum']:8.3f} {medians['fer-tui']:8.3f} {ratio:6.2f} {told}")
    print()


def captum_variants(classifier: TorchClassifier) -> dict[str, Attribute]:
    """captum's way to each variant, of one input and its target."""
    module = classifier.module
    tunnel, channels = NoiseTunnel(CaptumSaliency(module)), classifier.input_shape[0]
    window, stride = window_of(*classifier.input_shape[1:], 0, 0)

    def noisy(kind: str) -> Attribute:
        def attribute(x: torch.Tensor, target: int) -> torch.Tensor:
            deviation = 0.15 * float(x.max() - x.min())
            return tunnel.attribute(
                x, nt_type=kind, nt_samples=25, nt_samples_batch_size=16, stdevs=deviation, target=target
            )

        return attribute

    def occluded(x: torch.Tensor, target: int) -> torch.Tensor:
        shapes = {"sliding_window_shapes": (channels, window, window), "strides": (channels, stride, stride)}
        with torch.no_grad():
            return Occlusion(module).attribute(x, target=target, perturbations_per_eval=16, **shapes)

    return {
        "gradient": lambda x, target: CaptumSaliency(module).attribute(x, target=target),
        "input-x-gradient": lambda x, target: InputXGradient(module).attribute(x.requires_grad_(), target=target),
        "integrated": lambda x, target: IntegratedGradients(module).attribute(x, target=target, internal_batch_size=16),
        "smoothgrad": noisy("smoothgrad"),
        "smoothgrad-squared": noisy("smoothgrad_sq"),
        "vargrad": noisy("vargrad"),
        "guided": lambda x, target: GuidedBackprop(module).attribute(x, target=target),
        "deconvolution": lambda x, target: Deconvolution(module).attribute(x, target=target),
        "occlusion": occluded,
    }


def timed(contenders: dict[str, Callable[[], Maps]], repeats: int) -> tuple[dict[str, Maps], dict[str, float]]:
    """The maps and the median seconds of each contender."""
    maps = {name: run() for name, run in contenders.items()}  # also warms up
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for repeat in range(repeats):
        random.Random(repeat).shuffle(order)
        for name in order:
            began = time.perf_counter()
            contenders[name]()
            seconds[name].append(time.perf_counter() - began)
    return maps, {name: statistics.median(taken) for name, taken in seconds.items()}


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation of two maps."""
    ranks = [np.argsort(np.argsort(each, axis=None, kind="stable"), kind="stable") for each in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


def all_contenders(classifier: TorchClassifier, images: Images) -> Iterator[tuple[str, Callable[[], Maps]]]:
    """Each from uint8 images to maps as arrays. On a GPU not one by one or by few: that takes minutes."""
    targets = classifier.predict(images).argmax(1).tolist()
    subjects = [
        Subject(classifier, Place(row, target), image)
        for row, (image, target) in enumerate(zip(images, targets, strict=True))
    ]
    explainer, parameters, captum = Saliency(), SaliencyParameters(), CaptumSaliency(classifier.module)

    def with_captum(size: int) -> Maps:
        maps: Maps = []
        for start in range(0, len(images), size):
            x = classifier.inputs(images[start : start + size]).requires_grad_()
            made = captum.attribute(x, target=targets[start : start + size])
            maps += [each.sum(0) for each in made.detach().cpu().numpy()]
        return maps

    if classifier.device.type == "cpu":
        yield "captum, one by one", lambda: with_captum(1)
        yield (
            "fer-tui, one by one",
            lambda: [next(explainer.explain(each, parameters)).explanation.values for each in subjects],
        )
        yield "captum, batches of 4", lambda: with_captum(4)
        yield "captum, batches of 16", lambda: with_captum(16)
    yield "captum, batches of 64", lambda: with_captum(64)
    yield "captum, a single batch", lambda: with_captum(len(images))
    for kind, precision in (("exact", "exact"), ("folded", "float32"), ("bfloat16", "bfloat16")):
        asked = SaliencyParameters(precision=precision)
        yield (
            f"fer-tui, {kind}",
            lambda asked=asked: [result.explanation.values for result in explainer.explain_many(subjects, asked)],
        )


if __name__ == "__main__":
    main()
