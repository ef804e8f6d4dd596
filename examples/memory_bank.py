"""A memory bank in the open: places of series, a core of them, and the nearest of it.

Run: python examples/memory_bank.py
"""

import numpy as np
import torch
import torch.nn.functional as F

from askew import datasets
from askew.metrics import auroc

AROUND, CORE, CANDIDATES = 4, 1000, 10_000


def places(x):
    """Each step with those around it, side by side: (B, L, C) -> (B, L, C (2 AROUND + 1))."""
    padded = F.pad(x.transpose(1, 2), (AROUND, AROUND), mode="replicate")
    return padded.unfold(2, 2 * AROUND + 1, 1).transpose(1, 2).flatten(2)


def core(features, size: int):
    """Greedy k-centre: each next one is the farthest from all picked: (n, D) -> (size, D)."""
    first = (features - features.mean(0)).square().sum(1).argmin()
    picked, away = [int(first)], torch.full((len(features),), torch.inf)
    while len(picked) < min(size, len(features)):
        newest = (features - features[picked[-1]]).square().sum(1)
        away = torch.minimum(away, newest)
        picked.append(int(away.argmax()))
    cover = torch.minimum(away, (features - features[picked[-1]]).square().sum(1)).max().sqrt()
    print(f"{len(picked)} of {len(features)} places; none is farther than {cover:.2f} from them")
    return features[picked]


def nearest(features, bank):
    """How far each place is from the nearest of the bank: (B, L, D) -> (B, L)."""
    return torch.cdist(features.flatten(0, 1), bank).amin(1).view(features.shape[:2])


def main() -> None:
    torch.manual_seed(0)
    split = datasets.load_classes("racketsports")
    found, one_by_one = [], []
    for cls in split.classes:
        train, test, labels = datasets.one_vs_rest(split, cls)
        mean, scale = train.mean((0, 1)), train.std((0, 1))
        series, new = (
            torch.tensor((part - mean) / scale, dtype=torch.float32) for part in (train, test)
        )
        features = places(series).flatten(0, 1)
        features = features[torch.randperm(len(features))[:CANDIDATES]]
        points = nearest(places(new), core(features, CORE))  # where it is strange, too
        scores = points.amax(1).numpy()
        plain = torch.cdist(new.flatten(1), series.flatten(1)).amin(1).numpy()
        found.append(auroc(labels, scores))
        one_by_one.append(auroc(labels, plain))
        where = int(points[scores.argmax()].argmax())
        print(f"normal: {cls}; AUROC {found[-1]:.3f}; the strangest series is so at step {where}")
    print(f"mean AUROC {np.mean(found):.3f}; nearest whole series {np.mean(one_by_one):.3f}")


if __name__ == "__main__":
    main()
