"""Deep SVDD in the open: encoder, centre, both losses and the loop on one page.

Shown with one centre and no radius, with the soft boundary, and with biases: then weights that
send everything to the centre lower the loss most. The embeddings draw together, and what the scores
are worth depends on where training happened to stop.

Run: python examples/deep_svdd.py
"""

import torch
from torch import nn

from askew import datasets
from askew.metrics import auroc, oracle_f1

WIDTH, DIM, NU, STEPS, BATCH = 64, 32, 0.1, 1200, 128


def encoder(columns: int, bias: bool) -> nn.Module:
    """Three layers; without biases, no weights but zero give one answer to all rows."""
    return nn.Sequential(
        nn.Linear(columns, WIDTH, bias=bias),
        nn.LeakyReLU(),
        nn.Linear(WIDTH, WIDTH, bias=bias),
        nn.LeakyReLU(),
        nn.Linear(WIDTH, DIM, bias=bias),
    )


def centre(embeddings):
    """The mean before training, its components kept away from zero: (n, D) -> (D,)."""
    mean = embeddings.mean(0)
    return torch.where(mean.abs() < 0.1, 0.1 * mean.sign(), mean)


def one_class(distances):
    """Every row should lie close to the centre."""
    return distances.mean()


def soft_boundary(distances):
    """A small ball should hold all but a share NU: R is the best one for this batch."""
    radius = torch.quantile(distances.detach(), 1 - NU)  # of the squared distances
    return radius + (distances - radius).clamp_min(0).mean() / NU


def scores(rows, new, loss_of, bias: bool):
    """Draw rows to the centre; the squared distance of new rows from it is their score."""
    encode = encoder(rows.shape[1], bias)
    with torch.no_grad():
        middle = centre(encode(rows))
    optimizer = torch.optim.Adam(encode.parameters(), lr=1e-3, weight_decay=1e-6)
    for step in range(STEPS):
        x = rows[torch.randint(len(rows), (BATCH,))]
        loss = loss_of((encode(x) - middle).square().sum(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 400 == 0:
            print(f"step {step:5d}  loss {loss.item():.5f}")
    with torch.no_grad():
        spread = encode(rows).std(0).norm() / encode(rows).mean(0).norm()
        print(f"spread of the embeddings over their size {spread:.4f}")
        return (encode(new) - middle).square().sum(1).double().numpy()


def main() -> None:
    torch.manual_seed(0)
    table = datasets.load_table("thyroid")
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
    mean, scale = train.mean(), train.std()
    rows, new = (
        torch.tensor(((part - mean) / scale).to_numpy(), dtype=torch.float32)
        for part in (train, test)
    )
    variants = {
        "one class": (one_class, False),
        "soft boundary": (soft_boundary, False),
        "one class, with biases": (one_class, True),
    }
    for name, (loss_of, bias) in variants.items():
        print(name)
        found = scores(rows, new, loss_of, bias)
        f1 = oracle_f1(labels, found)
        print(f"AUROC {auroc(labels, found):.3f}   F1 at the true anomaly ratio {f1:.3f}")


if __name__ == "__main__":
    main()
