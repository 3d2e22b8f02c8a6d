"""A small convolutional network that reads handwritten digits, recorded layer by layer."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional

from simlib import validation
from simlib.datasets.arrays import recording
from simlib.datasets.made.training import one_thread, weights

LAYERS = ("pixels", "conv1", "conv2", "hidden", "output")
BATCH, RATE = 64, 3e-3
TEST_IMAGES = 450


def cnn_digits(*, layer: str = "hidden", seed: int = 0, epochs: int = 12) -> xr.DataArray:
    """One layer of a convolutional network on 450 digits that it was not trained on, (1, image,
    unit).

    The images are scikit-learn's digits (8 x 8 pixels). The label is `digit`; the accuracy on these
    images is in `processing`.

    Args:
        layer: "pixels" (64 units), "conv1" (8 maps, 512 units) or "conv2" (16 maps, 256 units),
            both 3 x 3 and rectified, conv2 pooled to 4 x 4, "hidden" (64 rectified units) or
            "output" (10 logits).
        seed: same seed, same bits on one machine.
        epochs: of Adam, some seconds in all, once: the weights are kept in the cache folder.

    Raises:
        ValueError: for another layer or fewer than 1 epoch.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.load("cnn-digits", layer="output", epochs=1).shape
        (1, 450, 10)
    """
    validation.known("layer", layer, LAYERS)
    if epochs < 1:
        raise ValueError(f"cnn-digits needs 1 epoch or more; got epochs={epochs}")
    settings = {"seed": seed, "epochs": epochs}
    trained = weights("cnn-digits", settings, lambda: _train(**settings))
    images, labels = _split()[1]
    with torch.no_grad(), one_thread():
        activity = _layers(trained, images)
    guessed = activity["output"].argmax(1).numpy()
    return recording(
        activity[layer].flatten(1).double().numpy(),
        {"digit": labels},
        name="cnn-digits",
        title=f"Convolutional network on digits, layer {layer}",
        source="a model trained by simlib on scikit-learn's digits",
        citation="images: Alpaydin & Kaynak 1998, UCI optical recognition of handwritten digits",
        licence="MIT (made by code); images CC BY 4.0",
        task_variables=["digit"],
        main_variable="digit",
        processing={
            **settings,
            "layer": layer,
            "accuracy": round(float(np.mean(guessed == labels)), 4),
        },
    )


def _split() -> tuple[tuple[Tensor, np.ndarray], tuple[Tensor, np.ndarray]]:
    """Images (n, 1, 8, 8) in [0, 1] and their digits, for training and for testing; the same for
    every seed.
    """
    from sklearn.datasets import load_digits  # half a second
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    parts = train_test_split(images, labels, test_size=TEST_IMAGES, stratify=labels, random_state=0)
    return (torch.from_numpy(parts[0]), parts[2]), (torch.from_numpy(parts[1]), parts[3])


def _layers(parameters: dict[str, Tensor], images: Tensor) -> dict[str, Tensor]:
    """Activity of every layer for images (n, 1, 8, 8)."""
    conv1 = functional.conv2d(
        images, parameters["conv1"], parameters["conv1_bias"], padding=1
    ).relu()
    conv2 = functional.conv2d(
        conv1, parameters["conv2"], parameters["conv2_bias"], padding=1
    ).relu()
    conv2 = functional.max_pool2d(conv2, 2)
    hidden = (conv2.flatten(1) @ parameters["hidden"].T + parameters["hidden_bias"]).relu()
    output = hidden @ parameters["output"].T + parameters["output_bias"]
    return {"pixels": images, "conv1": conv1, "conv2": conv2, "hidden": hidden, "output": output}


def _train(seed: int, epochs: int) -> dict[str, Tensor]:
    """Weights after `epochs` of Adam on the cross entropy."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {
        "conv1": (8, 1, 3, 3),
        "conv2": (16, 8, 3, 3),
        "hidden": (64, 256),
        "output": (10, 64),
    }
    parameters = {}
    for name, shape in shapes.items():
        scale = (2 / np.prod(shape[1:])) ** 0.5
        parameters[name] = (scale * torch.randn(*shape, generator=generator)).requires_grad_()
        parameters[f"{name}_bias"] = torch.zeros(shape[0], requires_grad=True)
    images, labels = _split()[0]
    digits = torch.from_numpy(labels)
    adam = torch.optim.Adam(parameters.values(), lr=RATE)
    for _ in range(epochs):
        for batch in torch.randperm(len(images), generator=generator).split(BATCH):
            loss = functional.cross_entropy(
                _layers(parameters, images[batch])["output"], digits[batch]
            )
            adam.zero_grad()
            loss.backward()
            adam.step()
    return {key: value.detach() for key, value in parameters.items()}
