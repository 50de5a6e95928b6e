"""The checkpoints: one function a folder, which says the class of transformers and its config. README.md says what each is for."""

import torch
import transformers as t

import references

VOCAB = 89
WIDTH = 32
HEADS = 4
HIDDEN = 40
SPREAD = 0.15  # of weights, which are normal
EMBEDDING_SPREAD = 0.1
PEAKED_SPREAD = 0.4  # of the weights of queries and keys: 8 times a usual 0.05. Scores spread by 5, and a wrong mask shows.
NOISE = 0.1  # on biases and gains
PEAKED_GAIN = 2  # times the gain of normalised queries and keys, whose weights have no say in the size of scores
PEAKED = ("query", "key", "q_proj", "k_proj", "query_global", "key_global")
PACKED = ("Wqkv", "c_attn")  # queries, keys and values in one

BERT = dict(vocab_size=VOCAB, hidden_size=WIDTH, num_attention_heads=HEADS, intermediate_size=HIDDEN)
ROBERTA = BERT | dict(max_position_embeddings=214, type_vocab_size=1, bos_token_id=0, pad_token_id=1, eos_token_id=2)
MODERN = BERT | dict(max_position_embeddings=256, local_attention=16, global_attn_every_n_layers=3,
                     pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2)
LLAMA = BERT | dict(num_key_value_heads=2, max_position_embeddings=256, bos_token_id=1, eos_token_id=2)
SMALL = LLAMA | dict(intermediate_size=24)
GEMMA = BERT | dict(num_attention_heads=2, num_key_value_heads=1, intermediate_size=24, head_dim=24, query_pre_attn_scalar=20,
                     max_position_embeddings=256)
BIGBIRD = BERT | dict(intermediate_size=24, bos_token_id=1, eos_token_id=2, sep_token_id=3)
T5 = dict(vocab_size=VOCAB, d_model=WIDTH, num_heads=HEADS, d_kv=16, d_ff=24, num_layers=2)
ESM = BERT | dict(max_position_embeddings=214, pad_token_id=1, mask_token_id=4, layer_norm_eps=1e-5)
JINA = BERT | dict(hidden_size=48, num_attention_heads=6, max_position_embeddings=256, position_embedding_type="alibi",
                   feed_forward_type="geglu", emb_pooler="mean",
                   auto_map={"AutoModel": "jinaai/jina-bert-implementation--modeling_bert.JinaBertModel"})
LABELS = dict(id2label={0: "contract", 1: "letter", 2: "court ruling"})
TAGS = dict(id2label={0: "O", 1: "B-GENE", 2: "I-GENE", 3: "B-DRUG", 4: "I-DRUG"})


def bert():
    return t.BertForMaskedLM, t.BertConfig(**BERT, num_hidden_layers=3, max_position_embeddings=211)


def bert_plain():
    return t.BertModel, t.BertConfig(**BERT, num_hidden_layers=2, max_position_embeddings=83, hidden_act="gelu_new", layer_norm_eps=1e-5)


def bert_classify():
    return t.BertForSequenceClassification, t.BertConfig(**BERT, **LABELS, num_hidden_layers=1, max_position_embeddings=83)


def bert_tag():
    return t.BertForTokenClassification, t.BertConfig(**BERT, **TAGS, num_hidden_layers=1, max_position_embeddings=83, hidden_act="relu")


def roberta():
    return t.RobertaForMaskedLM, t.RobertaConfig(**ROBERTA, num_hidden_layers=3, layer_norm_eps=1e-5)


def roberta_classify():
    return t.RobertaForSequenceClassification, t.RobertaConfig(**ROBERTA | dict(max_position_embeddings=83), **LABELS, num_hidden_layers=1)


def xlmr():
    return t.XLMRobertaModel, t.XLMRobertaConfig(**ROBERTA, num_hidden_layers=3, layer_norm_eps=1e-5)


def xlmr_classify_cross():
    config = t.XLMRobertaConfig(**ROBERTA | dict(max_position_embeddings=83), num_hidden_layers=1, num_labels=1)
    return t.XLMRobertaForSequenceClassification, config


def modernbert():
    return t.ModernBertForMaskedLM, t.ModernBertConfig(**MODERN, num_hidden_layers=4)


def modernbert_plain():
    return t.ModernBertModel, t.ModernBertConfig(**MODERN | dict(intermediate_size=24), num_hidden_layers=2)


def modernbert_classify_mean():
    return t.ModernBertForSequenceClassification, t.ModernBertConfig(**MODERN, **LABELS, num_hidden_layers=1, classifier_pooling="mean")


def modernbert_classify_cls():
    return t.ModernBertForSequenceClassification, t.ModernBertConfig(**MODERN, **LABELS, num_hidden_layers=1, classifier_pooling="cls")


def modernbert_tag():
    return t.ModernBertForTokenClassification, t.ModernBertConfig(**MODERN | dict(intermediate_size=24), **TAGS, num_hidden_layers=2)


def longformer():
    config = t.LongformerConfig(**ROBERTA | dict(intermediate_size=24), num_hidden_layers=3, attention_window=[8, 16, 8])
    return t.LongformerForMaskedLM, config


def longformer_classify():
    config = t.LongformerConfig(**ROBERTA | dict(max_position_embeddings=83), **LABELS, num_hidden_layers=2, attention_window=[8, 16])
    return t.LongformerForSequenceClassification, config


def bigbird():
    config = t.BigBirdConfig(**BIGBIRD, num_hidden_layers=2, max_position_embeddings=784, block_size=16, num_random_blocks=2,
                             rescale_embeddings=True)
    return t.BigBirdForMaskedLM, config


def bigbird_plain():
    config = t.BigBirdConfig(**BIGBIRD, num_hidden_layers=1, max_position_embeddings=83, attention_type="original_full")
    return t.BigBirdModel, config


def bigbird_classify():
    config = t.BigBirdConfig(**BIGBIRD, **LABELS, num_hidden_layers=1, max_position_embeddings=83, block_size=8, num_random_blocks=1)
    return t.BigBirdForSequenceClassification, config


def bigbird_tag():
    """Blocks of 5, which fit no tile."""
    config = t.BigBirdConfig(**BIGBIRD, **TAGS, num_hidden_layers=2, max_position_embeddings=83, block_size=5, num_random_blocks=3)
    return t.BigBirdForTokenClassification, config


def esm():
    return t.EsmForMaskedLM, t.EsmConfig(**ESM, num_hidden_layers=3, position_embedding_type="rotary", token_dropout=True)


def esm_learned():
    """As ESM-1b and the first Nucleotide Transformer: learned positions; a head of its own, and a norm of the embeddings."""
    config = t.EsmConfig(**ESM, num_hidden_layers=2, token_dropout=True, emb_layer_norm_before=True, tie_word_embeddings=False)
    return t.EsmForMaskedLM, config


def esm_classify():
    config = t.EsmConfig(**ESM | dict(max_position_embeddings=83, layer_norm_eps=1e-12), **LABELS, num_hidden_layers=1)
    return t.EsmForSequenceClassification, config


def nucleotide2():
    config = t.EsmConfig(**ESM | dict(layer_norm_eps=1e-12), num_hidden_layers=3, position_embedding_type="rotary", add_bias_fnn=False,
                         tie_word_embeddings=False, auto_map={"AutoModelForMaskedLM": "modeling_esm.EsmForMaskedLM"})
    return references.NucleotideTransformer2, config


def jina2():
    """Six heads: their number is no power of 2, and their slopes are of two series."""
    return references.DistanceBert, t.BertConfig(**JINA, num_hidden_layers=2)


def jina2_classify():
    config = t.BertConfig(**JINA | dict(intermediate_size=24), num_labels=1, num_hidden_layers=1)
    return references.DistanceBertForSequenceClassification, config


def dnabert2():
    """Queries, keys and values are packed. The positions of the config, absolute, are none of the model's."""
    config = t.BertConfig(**BERT | dict(hidden_size=48, num_attention_heads=3), num_hidden_layers=2, alibi_starting_size=256,
                          max_position_embeddings=256, auto_map={"AutoModelForMaskedLM": "bert_layers.BertForMaskedLM"})
    return references.DistanceBert, config


def nomic():
    return t.NomicBertForMaskedLM, t.NomicBertConfig(**BERT, num_hidden_layers=3, max_position_embeddings=256)


def nomic_classify():
    return t.NomicBertForSequenceClassification, t.NomicBertConfig(**BERT, **LABELS, num_hidden_layers=1, max_position_embeddings=256)


def gte():
    return t.GteForMaskedLM, t.GteConfig(**BERT, num_hidden_layers=3, max_position_embeddings=256)


def gte_tag():
    return t.GteForTokenClassification, t.GteConfig(**BERT, **TAGS, num_hidden_layers=1, max_position_embeddings=256, layer_norm_eps=1e-5)


def eurobert():
    config = t.EuroBertConfig(**LLAMA, pad_token_id=0, mask_token_id=4, num_hidden_layers=2,
                              rope_parameters=dict(rope_theta=250000.0, rope_type="default"))
    return t.EuroBertForMaskedLM, config


def eurobert_classify():
    config = t.EuroBertConfig(**LLAMA | dict(intermediate_size=24), **LABELS, pad_token_id=0, mask_token_id=4, num_hidden_layers=1,
                              classifier_pooling="mean", rope_parameters=dict(rope_theta=250000.0, rope_type="default"))
    return t.EuroBertForSequenceClassification, config


def llama():
    return t.LlamaForCausalLM, t.LlamaConfig(**LLAMA, num_hidden_layers=3, tie_word_embeddings=False)


def llama3rope():
    """Heads of 8 have four frequencies: one is kept, one lies in the band between, two are divided."""
    scaling = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=256)
    config = t.LlamaConfig(**SMALL | dict(max_position_embeddings=2048), num_hidden_layers=2, rope_theta=500000.0, rope_scaling=scaling,
                           tie_word_embeddings=True)
    return t.LlamaForCausalLM, config


def llama_yarn():
    scaling = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)
    return t.LlamaForCausalLM, t.LlamaConfig(**SMALL, num_hidden_layers=2, rope_scaling=scaling, tie_word_embeddings=True)


def llama_linear():
    """The scaling in its oldest spelling: "type"."""
    config = t.LlamaConfig(**SMALL, num_hidden_layers=2, rope_scaling=dict(type="linear", factor=2.5), tie_word_embeddings=True)
    return t.LlamaForCausalLM, config


def llama_classify():
    return t.LlamaForSequenceClassification, t.LlamaConfig(**SMALL, **LABELS, num_hidden_layers=1, pad_token_id=0)


def mistral():
    return t.MistralForCausalLM, t.MistralConfig(**LLAMA, num_hidden_layers=3, sliding_window=8, rope_theta=1e6)


def qwen2():
    config = t.Qwen2Config(**LLAMA, num_hidden_layers=3, use_sliding_window=False, sliding_window=8, tie_word_embeddings=True,
                           rope_theta=1e6)
    return t.Qwen2ForCausalLM, config


def qwen2_window():
    config = t.Qwen2Config(**SMALL, num_hidden_layers=2, use_sliding_window=True, sliding_window=8, max_window_layers=1,
                           tie_word_embeddings=True)
    return t.Qwen2ForCausalLM, config


def qwen3():
    return t.Qwen3ForCausalLM, t.Qwen3Config(**LLAMA, head_dim=16, num_hidden_layers=3, tie_word_embeddings=True, rope_theta=1e6)


def gemma3():
    return t.Gemma3ForCausalLM, t.Gemma3TextConfig(**GEMMA, num_hidden_layers=7, sliding_window=8)


def gemma3_bidirectional():
    """Its config halves the window as it is made, and again whenever it is loaded: see publish_window."""
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    config = t.Gemma3TextConfig(**GEMMA, num_hidden_layers=3, sliding_window=16, use_bidirectional_attention=True, layer_types=kinds)
    return t.Gemma3TextModel, config


def gpt2():
    config = t.GPT2Config(vocab_size=VOCAB, n_embd=WIDTH, n_head=HEADS, n_inner=HIDDEN, n_layer=3, n_positions=211,
                          bos_token_id=2, eos_token_id=2)
    return t.GPT2LMHeadModel, config


def t5_encoder():
    """Heads of 16, which are not width / heads; twelve buckets up to a distance of 40."""
    return t.T5EncoderModel, t.T5Config(**T5, relative_attention_num_buckets=12, relative_attention_max_distance=40)


def umt5_encoder():
    """A table of distances in each layer, and gated-gelu, which is gelu_new."""
    return t.UMT5EncoderModel, t.UMT5Config(**T5, feed_forward_proj="gated-gelu")


def longt5_local():
    """A token sees 9 tokens on each side of it."""
    return t.LongT5EncoderModel, t.LongT5Config(**T5, local_radius=9)


def longt5_global():
    """And a summary of each block of 8 tokens. A text of 7 tokens has none, the last block of one of 77 has 13."""
    config = t.LongT5Config(**T5 | dict(num_layers=3), local_radius=9, global_block_size=8, encoder_attention_type="transient-global",
                            relative_attention_num_buckets=12, relative_attention_max_distance=40, feed_forward_proj="gated-gelu")
    return t.LongT5EncoderModel, config


# Folders with the cases and outputs of a whole family, and those that show one more head or setting.
FAMILIES = (bert, roberta, xlmr, modernbert, longformer, bigbird, esm, nucleotide2, jina2, dnabert2,
            llama, mistral, qwen2, qwen3, gemma3, gemma3_bidirectional, gpt2,
            longt5_global)
VARIANTS = (bert_plain, bert_classify, bert_tag, roberta_classify, xlmr_classify_cross,
            modernbert_plain, modernbert_classify_mean, modernbert_classify_cls, modernbert_tag, longformer_classify,
            esm_learned, esm_classify, jina2_classify,
            bigbird_plain, bigbird_classify, bigbird_tag,
            t5_encoder, umt5_encoder, longt5_local,
            llama3rope, llama_yarn, llama_linear, llama_classify, qwen2_window)
# Those of version 5 alone.
FAMILIES_5 = (nomic, gte, eurobert)
VARIANTS_5 = (nomic_classify, gte_tag, eurobert_classify)
WINDOWS = (modernbert, longformer, bigbird, mistral, qwen2_window, gemma3, gemma3_bidirectional, longt5_local)
GENERATES = (llama, qwen3, gemma3, gpt2)
ROUNDED = (llama,)  # weights that are the same numbers in bf16


def draw_weight(name, weight, generator):
    """One parameter, drawn by what its name says it is."""
    drawn = torch.randn(weight.shape, generator=generator)
    parts = name.split(".")
    if weight.dim() == 1:
        drawn = weight + NOISE * drawn
        if "q_norm" in parts or "k_norm" in parts:
            return PEAKED_GAIN * drawn if weight[0] else drawn + PEAKED_GAIN - 1  # Gemma adds 1 to it
        return drawn
    if "embed" in name or parts[-2] in ("wte", "wpe"):
        return EMBEDDING_SPREAD * drawn
    if parts[-2] in ("relative_attention_bias", "global_relative_attention_bias"):
        return drawn  # as wide as scores, so that a wrong bucket shows
    spread = torch.full_like(weight, PEAKED_SPREAD if set(parts) & set(PEAKED) else SPREAD)
    if parts[-2] in PACKED:
        packed = spread if parts[-2] == "Wqkv" else spread.T  # c_attn is stored [in, out]
        packed[: 2 * len(packed) // 3] = PEAKED_SPREAD
    return spread * drawn


def draw(make, seed):
    """The model that make describes, with drawn weights."""
    kind, config = make()
    config.name_or_path = ""
    model = kind(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            drawn = draw_weight(name, weight, generator)
            weight.copy_(drawn.bfloat16() if make in ROUNDED else drawn)
    return model
