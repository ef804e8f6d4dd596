"""A small random transformer and texts for it, so that tests need no pretrained weights."""

import atexit
import shutil
import tempfile
from functools import lru_cache

import numpy as np

NORMAL = ["pump", "valve", "pressure", "flow", "check", "open", "close", "level", "normal", "shift"]
STRANGE = ["whale", "sonata", "purple", "galaxy", "teapot", "dragon", "waltz", "harp"]
PIECES = ["walk", "##ing"]


@lru_cache(maxsize=2)
def tiny_transformer(seed=0):
    """Return the folder of a random BERT of two layers and 32 numbers a token."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *NORMAL, *STRANGE, *PIECES]
    vocabulary = {word: i for i, word in enumerate(words)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]"
    )
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=256,
        initializer_range=0.1,
    )
    folder = tempfile.mkdtemp(prefix="tiny-transformer-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = BertModel(config)
    for embedding in ("position_embeddings", "token_type_embeddings"):  # words alone count
        getattr(network.embeddings, embedding).weight.data.zero_()
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def texts(seed, count=80):
    """Return normal texts of 6 to 12 words."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(6, 13, size=count)
    return np.array([" ".join(generator.choice(NORMAL, n)) for n in lengths], dtype=object)


def strange(some):
    """Return the texts with about half of their words replaced by strange ones."""
    generator = np.random.default_rng(9)
    return np.array(
        [
            " ".join(
                str(generator.choice(STRANGE)) if i % 2 == 0 else word
                for i, word in enumerate(text.split())
            )
            for text in some
        ],
        dtype=object,
    )
