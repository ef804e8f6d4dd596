"""What three losses make of learned views: Propositions 1-3 of NeuTraL AD, by training on Thyroid.

Can views that ignore the row (constants), or are the row, reach the loss that learned views reach?
Run: python examples/propositions.py
"""

from itertools import pairwise, product

import numpy as np
import torch
from matplotlib.figure import Figure

from askew import datasets
from askew.losses import contrast, cosine, prediction, simclr
from askew.metrics import auroc
from askew.plot import BLUE, GREY, ORANGE

VIEWS, WIDTH, TEMPERATURE, STEPS, BATCH, SEEDS = 4, 24, 0.1, 800, 128, 3
COLUMNS = ("share", "contrastive", "semantics", "diversity", "product", "AUROC")
KINDS = {"learned": BLUE, "constants": ORANGE, "the row": GREY}


class Views(torch.nn.Module):
    """K views side by side: x + tanh(M_k(x)), a constant, or x itself; (B, d) -> (B, K, d)."""

    def __init__(self, kind: str, columns: int) -> None:
        super().__init__()
        self.kind, self.constants = kind, torch.nn.Parameter(torch.randn(VIEWS, columns))
        self.into = torch.nn.Parameter(torch.randn(VIEWS, columns, WIDTH) / columns**0.5)
        self.bias = torch.nn.Parameter(torch.randn(VIEWS, 1, WIDTH) / columns**0.5)
        self.back = torch.nn.Parameter(torch.randn(VIEWS, WIDTH, columns) / WIDTH**0.5)

    def forward(self, x):
        if self.kind == "constants":
            return self.constants.expand(len(x), -1, -1)
        moved = torch.tanh(torch.relu(x @ self.into + self.bias) @ self.back)  # (K, B, d)
        return x[:, None] + moved.transpose(0, 1) * (self.kind == "learned")


def contrastive(z0, z, beta: float = 1.0):
    """l_k = -log h(z_k, z_0) + beta log sum_l h(z_k, z_l); beta = 1 is the contrastive loss."""
    towards = torch.cosine_similarity(z, z0[:, None], dim=-1) / TEMPERATURE
    terms = contrast(torch.cat([z0[:, None], z], 1), TEMPERATURE)
    return (beta * (terms + towards) - towards).mean(-1)


LOSSES = {  # and what they are where all embeddings are alike
    "prediction": (lambda z0, z: prediction(z).mean(-1), np.log(VIEWS)),
    "SimCLR": (  # two of the views, drawn anew for each batch
        lambda z0, z: simclr(*z[:, torch.randperm(VIEWS)[:2]].unbind(1), TEMPERATURE),
        2 * np.log(2 * BATCH - 1),
    ),
    "contrastive": (contrastive, np.log(VIEWS)),
    "beta = 0.1": (lambda z0, z: contrastive(z0, z, 0.1), np.nan),
    "beta = 10": (lambda z0, z: contrastive(z0, z, 10), np.nan),
}


def run(name: str, kind: str, seed: int, train, test, labels) -> list[float]:
    """Train; return the loss reached over that of all alike, and the other COLUMNS."""
    torch.manual_seed(seed)
    loss, alike = LOSSES[name]
    sizes = [train.shape[1], 48, 48, VIEWS if name == "prediction" else WIDTH]  # logits: one a view
    layers = [part for a, b in pairwise(sizes) for part in (torch.nn.Linear(a, b), torch.nn.ReLU())]
    views, encode = Views(kind, sizes[0]), torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam([*views.parameters(), *encode.parameters()], lr=1e-3)
    for _ in range(STEPS):
        x = train[torch.randperm(len(train))[:BATCH]]
        value = loss(encode(x), encode(views(x))).mean()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    with torch.no_grad():
        z0, z = encode(test), encode(views(test))
        scores = (contrastive if name == "SimCLR" else loss)(z0, z)  # SimCLR needs a batch
        z0, z = z0[labels == 0], z[labels == 0]
        pull = torch.cosine_similarity(z, z0[:, None], dim=-1).exp().mean().item()
        push = (-cosine(z)).exp()[:, ~torch.eye(VIEWS, dtype=torch.bool)].mean().item()
        opposed = contrastive(z0, z).mean().item() / np.log(VIEWS)
    return [value.item() / alike, opposed, pull, push, pull * push, auroc(labels, scores)]


def main() -> None:
    table = datasets.load_table("thyroid")
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
    rows = (((part - train.mean()) / train.std()).to_numpy() for part in (train, test))
    data = [*(torch.tensor(part, dtype=torch.float32) for part in rows), labels]
    print("loss        views     ", *(f"{column:>11s}" for column in COLUMNS))
    names, found = [*LOSSES][:3], {}
    for name, kind in [*product(names, KINDS), *product([*LOSSES][3:], ["learned"])]:
        found[name, kind] = np.mean([run(name, kind, i, *data) for i in range(SEEDS)], 0)
        print(f"{name:12s}{kind:10s}", *(f"{v:11.3f}" for v in found[name, kind]), flush=True)
    left, right = (figure := Figure(figsize=(9.6, 4), layout="constrained")).subplots(1, 2)
    for place, (kind, color) in enumerate(KINDS.items()):
        shares = [found[name, kind][0] for name in names]
        left.bar(np.arange(3) + 0.27 * (place - 1), shares, 0.25, color=color, label=kind)
    left.set(title="Which views bring a loss down", xticks=range(3), xticklabels=names)
    left.set(ylabel="loss / collapsed loss", ylim=(0, 1.3))
    left.legend(frameon=False, title="views", loc="upper left", ncols=3)
    for name, marker in zip(LOSSES, "sDo^v", strict=True):
        right.scatter(*found[name, "learned"][2:4], marker=marker, s=60, label=name)
    right.scatter(np.e, 1 / np.e, marker="x", color="black", s=70, label="views are the row")
    right.set(title="Learned views of normal rows", xlabel="semantics", ylabel="diversity")
    right.legend(frameon=False, fontsize=8)
    figure.suptitle(f"Thyroid, {VIEWS} views, {STEPS} steps of {BATCH} rows, mean of {SEEDS} seeds")
    figure.savefig("docs/figures/propositions.png", dpi=110)


if __name__ == "__main__":
    main()
