"""NeuTraL AD in the open: encoder, views, loss and loop on one page, without the library's own.

Run: python examples/neutral.py
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from askew import datasets
from askew.metrics import auroc, oracle_f1

VIEWS, WIDTH, TEMPERATURE, STEPS, BATCH = 11, 24, 0.1, 1500, 128


class Views(nn.Module):
    """K small networks M_k side by side: view k of a row is x + tanh(M_k(x))."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.into = nn.Parameter(torch.randn(VIEWS, columns, WIDTH) / columns**0.5)
        self.bias = nn.Parameter(torch.randn(VIEWS, 1, WIDTH) / columns**0.5)
        self.back = nn.Parameter(torch.randn(VIEWS, WIDTH, columns) / WIDTH**0.5)

    def forward(self, x):  # (B, d) -> (B, K, d)
        hidden = torch.relu(x @ self.into + self.bias)  # (K, B, width)
        return x[:, None] + torch.tanh(hidden @ self.back).transpose(0, 1)


def encoder(columns: int) -> nn.Module:
    """One network embeds rows and all their views."""
    sizes = [columns, 2 * WIDTH, 2 * WIDTH, WIDTH]
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def losses(x, views, encode):
    """Each view must be recognised as its row's (row 0), not as another view: (B, d) -> (B,)."""
    together = torch.cat([x[:, None], views(x)], dim=1)  # (B, 1 + K, d)
    z = F.normalize(encode(together), dim=-1)
    similar = z @ z.mT / TEMPERATURE  # (B, 1 + K, 1 + K)
    similar = similar.masked_fill(torch.eye(1 + VIEWS, dtype=torch.bool), -torch.inf)
    to_row, to_all = similar[:, 1:, 0], similar[:, 1:].logsumexp(-1)
    return (to_all - to_row).mean(-1)


def main() -> None:
    torch.manual_seed(0)
    table = datasets.load_table("thyroid")
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
    mean, scale = train.mean(), train.std()
    rows, new = (
        torch.tensor(((part - mean) / scale).to_numpy(), dtype=torch.float32)
        for part in (train, test)
    )
    views, encode = Views(rows.shape[1]), encoder(rows.shape[1])
    weights = [*views.parameters(), *encode.parameters()]
    optimizer = torch.optim.Adam(weights, lr=1e-3)
    for step in range(STEPS):
        x = rows[torch.randint(len(rows), (BATCH,))]
        loss = losses(x, views, encode).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 300 == 0:
            print(f"step {step:5d}  loss {loss.item():.3f}")
    with torch.no_grad():
        scores = losses(new, views, encode).numpy()
    f1 = oracle_f1(labels, scores)
    print(f"AUROC {auroc(labels, scores):.3f}   F1 at the true anomaly ratio {f1:.3f}")


if __name__ == "__main__":
    main()
