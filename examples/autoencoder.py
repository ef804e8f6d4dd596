"""An autoencoder in the open: encoder, decoder, noise, loss and loop on one page.

Run: python examples/autoencoder.py
"""

from itertools import pairwise

import torch
from torch import nn

from askew import datasets
from askew.metrics import auroc, oracle_f1

WIDTH, DIM, NOISE, STEPS, BATCH = 64, 8, 0.2, 600, 32


def layers(*sizes: int) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    parts = []
    for width, following in pairwise(sizes):
        parts += [nn.Linear(width, following), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def error(x, restored):
    """How far each column is off: (B, d) -> (B, d)."""
    return (x - restored).square()


def errors(rows, new, noise: float):
    """Learn to restore rows from a few numbers; the error on new rows is their score."""
    encode = layers(rows.shape[1], WIDTH, DIM)
    decode = layers(DIM, WIDTH, rows.shape[1])
    optimizer = torch.optim.Adam([*encode.parameters(), *decode.parameters()], lr=1e-3)
    for step in range(STEPS):
        x = rows[torch.randint(len(rows), (BATCH,))]
        seen = x + noise * torch.randn_like(x)  # what is asked for is the clean row
        loss = error(x, decode(encode(seen))).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 0:
            print(f"step {step:5d}  loss {loss.item():.3f}")
    with torch.no_grad():
        return error(new, decode(encode(new)))


def linear(rows, new):
    """The best linear autoencoder is known: it keeps the directions in which rows vary most."""
    kept = torch.linalg.svd(rows, full_matrices=False).Vh[:DIM]
    return error(new, new @ kept.T @ kept)


def main() -> None:
    torch.manual_seed(0)
    table = datasets.load_table("arrhythmia")
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
    mean, scale = train.mean(), train.std().replace(0, 1)
    rows, new = (
        torch.tensor(((part - mean) / scale).to_numpy(), dtype=torch.float32).clamp(-5, 5)
        for part in (train, test)
    )
    found = {
        "plain": errors(rows, new, 0.0),
        "denoising": errors(rows, new, NOISE),
        "linear": linear(rows, new),
    }
    for name, points in found.items():
        scores = points.mean(1).numpy()
        f1 = oracle_f1(labels, scores)
        print(f"{name:10s} AUROC {auroc(labels, scores):.3f}   oracle F1 {f1:.3f}")
    strangest = found["plain"].mean(1).argmax()
    worst = found["plain"][strangest].topk(3).indices.tolist()
    print(
        f"strangest row: {int(strangest)}, by its columns {[str(train.columns[i]) for i in worst]}"
    )


if __name__ == "__main__":
    main()
