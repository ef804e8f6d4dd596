"""NeuTraL AD on series in the open: convolutional views and encoder, one class is normal.

Run: python examples/neutral_series.py
"""

import torch
import torch.nn.functional as F
from torch import nn

from askew import datasets
from askew.metrics import auroc

VIEWS, DIM, TEMPERATURE, STEPS, BATCH = 6, 64, 0.1, 300, 20


class Residual(nn.Module):
    """Two convolutions beside a straight way through; (B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(channels),
            nn.InstanceNorm1d(channels),
            nn.ReLU(),
            convolution(channels),
            nn.InstanceNorm1d(channels),
        )

    def forward(self, x):
        return torch.relu(x + self.body(x))


def convolution(channels: int) -> nn.Module:
    """A convolution over three steps that keeps channels and length; the ends are reflected."""
    return nn.Conv1d(channels, channels, 3, padding=1, padding_mode="reflect")


def view(channels: int) -> nn.Module:
    """The network M_k of one view."""
    return nn.Sequential(
        convolution(channels),
        nn.InstanceNorm1d(channels),
        nn.ReLU(),
        Residual(channels),
        Residual(channels),
        convolution(channels),
    )


def encoder(channels: int, steps: int) -> nn.Module:
    """Each convolution halves the steps; the last one covers all that are left."""
    layers, width = [], 32
    while steps > 4:
        layers += [nn.Conv1d(channels, width, 3, stride=2, padding=1), nn.ReLU()]
        channels, width, steps = width, 2 * width, (steps + 1) // 2
    return nn.Sequential(*layers, nn.Conv1d(channels, DIM, steps), nn.Flatten())


def losses(x, views, encode):
    """Each view must be recognised as its series' (row 0), not as another: (B, C, T) -> (B,)."""
    altered = [x + torch.tanh(view(x)) for view in views]  # K views, plainly one after the other
    z = F.normalize(encode(torch.cat([x, *altered])), dim=-1)
    z = z.unflatten(0, (1 + VIEWS, len(x))).transpose(0, 1)  # (B, 1 + K, D)
    similar = z @ z.mT / TEMPERATURE  # (B, 1 + K, 1 + K)
    similar = similar.masked_fill(torch.eye(1 + VIEWS, dtype=torch.bool), -torch.inf)
    to_series, to_all = similar[:, 1:, 0], similar[:, 1:].logsumexp(-1)
    return (to_all - to_series).mean(-1)


def main() -> None:
    torch.manual_seed(0)
    split = datasets.load_classes("racketsports")
    normal = split.classes[0]
    train, test, labels = datasets.one_vs_rest(split, normal)
    series, new = (torch.as_tensor(part).transpose(1, 2) for part in (train, test))  # (n, C, T)
    mean, scale = series.mean((0, 2), keepdim=True), series.std((0, 2), keepdim=True)
    series, new = (series - mean) / scale, (new - mean) / scale
    channels, steps = series.shape[1:]
    views = nn.ModuleList(view(channels) for _ in range(VIEWS))
    encode = encoder(channels, steps)
    optimizer = torch.optim.Adam([*views.parameters(), *encode.parameters()], lr=1e-3)
    for step in range(STEPS):
        x = series[torch.randperm(len(series))[:BATCH]]
        loss = losses(x, views, encode).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step:4d}  loss {loss.item():.3f}")
    with torch.no_grad():
        scores = losses(new, views, encode).numpy()
    print(f"{normal} against the other {len(split.classes) - 1}: AUROC {auroc(labels, scores):.3f}")


if __name__ == "__main__":
    main()
