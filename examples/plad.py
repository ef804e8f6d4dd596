"""PLAD in the open: perturbator, classifier, loss and loop on one page.

Shown twice: as the paper reads, and with what keeps perturbed rows on all sides of the data.

Run: python examples/plad.py
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from askew import datasets
from askew.metrics import auroc, oracle_f1

WIDTH, LATENT, STRENGTH, STEPS, BATCH = 64, 16, 0.03, 900, 128


def layers(*sizes: int) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    parts = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


class Perturbator(nn.Module):
    """A variational autoencoder from a row to its scales (less 1) and shifts."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.encode = layers(columns, WIDTH, 2 * LATENT)
        self.decode = layers(LATENT, WIDTH, 2 * columns)

    def forward(self, x):  # (B, d) -> (B, d), (B, d), (B,)
        mean, log_variance = self.encode(x).chunk(2, dim=1)
        drawn = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        scale, shift = self.decode(drawn).chunk(2, dim=1)
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return scale, shift, divergence


def displaced_at_random(x):
    """Move rows along random sums of their differences, or column by column: (B, d) -> (B, d)."""
    together = torch.randn(len(x), len(x)) @ (x - x.mean(0)) / len(x) ** 0.5
    alone = torch.randn_like(x)
    length = 4 ** (2 * torch.rand(len(x), 1) - 1)  # from a quarter of the usual to four times it
    return x + length * torch.where(torch.rand(len(x), 1) < 0.5, together, alone)


def losses(x, perturb, classify, surround: bool):
    """Rows must be told from perturbed rows, which should not be far: (B, d) -> (B,)."""
    scale, shift, divergence = perturb(x)
    moved = x * scale + shift
    if surround:
        moved = moved * (torch.randint(0, 2, x.shape) * 2 - 1)
    perturbed = x + moved
    if surround:
        perturbed = torch.where(torch.rand(len(x), 1) < 0.5, displaced_at_random(x), perturbed)
    as_row, as_perturbed = classify(torch.cat([x, perturbed]))[:, 0].split(len(x))
    told = F.softplus(as_row) + F.softplus(-as_perturbed)
    return told + STRENGTH * (scale.square() + shift.square()).mean(1) + divergence


def scores(rows, new, surround: bool):
    """Train both networks together; the logit of new rows is their score."""
    perturb, classify = Perturbator(rows.shape[1]), layers(rows.shape[1], WIDTH, 1)
    weights = [*perturb.parameters(), *classify.parameters()]
    optimizer = torch.optim.Adam(weights, lr=5e-4)
    for step in range(STEPS):
        x = rows[torch.randint(len(rows), (BATCH,))]
        loss = losses(x, perturb, classify, surround).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 300 == 0:
            print(f"step {step:5d}  loss {loss.item():.3f}")
    with torch.no_grad():
        return classify(new)[:, 0].numpy()


def main() -> None:
    torch.manual_seed(0)
    table = datasets.load_table("thyroid")
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
    mean, scale = train.mean(), train.std()
    rows, new = (
        torch.tensor(((part - mean) / scale).to_numpy(), dtype=torch.float32)
        for part in (train, test)
    )
    for name, surround in {"as the paper reads": False, "on all sides": True}.items():
        print(name)
        found = scores(rows, new, surround)
        f1 = oracle_f1(labels, found)
        print(f"AUROC {auroc(labels, found):.3f}   F1 at the true anomaly ratio {f1:.3f}")


if __name__ == "__main__":
    main()
