"""Makes the reference models of the tests: tiny decoders with random weights, and what transformers computes with them.

Run in an environment with torch and transformers:  python make_references.py OUTPUT_FOLDER [VARIANT ...]

Weights are random and rounded to bf16, in which they are stored; logits and greedily chosen ids are computed in float32
without a cache. The seed is taken from the variant's name, so a variant is the same whenever it is made.
"""

import json
import math
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

VOCABULARY = 64
SPECIAL = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=16)
LONG = dict(rope_type="longrope", rope_theta=10000.0, short_factor=[1.0, 1.1, 1.2, 1.3], long_factor=[2.0, 3.0, 4.0, 5.0])
ROUTED = dict(num_experts=6, num_experts_per_tok=2, moe_intermediate_size=12)
DEEPSEEK = dict(
    n_routed_experts=8, n_group=4, topk_group=2, num_experts_per_tok=3, n_shared_experts=1, moe_intermediate_size=12,
    first_k_dense_replace=1, kv_lora_rank=12, q_lora_rank=14, qk_rope_head_dim=4, qk_nope_head_dim=6, v_head_dim=5,
    num_key_value_heads=4,
)
GPT_OSS = dict(num_local_experts=4, num_experts_per_tok=2, head_dim=8, sliding_window=6)
GPT = dict(vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=2)
FALCON = dict(
    vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64,
    bos_token_id=1, eos_token_id=2,
)
OPT = dict(
    vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=40,
    max_position_embeddings=64, **SPECIAL,
)
BLOOM = dict(vocab_size=VOCABULARY, n_layer=2, bos_token_id=1, eos_token_id=2)


def decoder(**fields):
    return dict(
        dict(
            vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=64, **SPECIAL,
        ),
        **fields,
    )


def rope(**fields):
    return dict(rope_type="default", rope_theta=10000.0, **fields)


def without(fields, name):
    return {key: value for key, value in fields.items() if key != name}


VARIANTS = {
    "llama-yarn": ("llama", decoder(rope_parameters=YARN, attention_bias=True, mlp_bias=True, head_dim=12)),
    "llama-linear": ("llama", decoder(rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.0), tie_word_embeddings=True)),
    "llama-dynamic": ("llama", decoder(rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0), hidden_act="gelu")),
    "mistral": ("mistral", decoder(sliding_window=6)),
    "mixtral": ("mixtral", decoder(num_local_experts=4, num_experts_per_tok=3, sliding_window=6)),
    "qwen2-windows": ("qwen2", decoder(num_hidden_layers=3, use_sliding_window=True, sliding_window=6, max_window_layers=1)),
    "qwen3-bias": ("qwen3", decoder(head_dim=12, attention_bias=True, use_sliding_window=True, sliding_window=6, layer_types=["sliding_attention", "full_attention"], tie_word_embeddings=True)),
    "gemma": ("gemma", decoder(head_dim=12, num_key_value_heads=1, hidden_act="gelu")),
    "gemma2-bias": ("gemma2", decoder(head_dim=12, num_hidden_layers=3, sliding_window=6, query_pre_attn_scalar=20, attention_bias=True, final_logit_softcapping=None)),
    "gemma3": ("gemma3_text", decoder(head_dim=8, num_hidden_layers=3, sliding_window=6, sliding_window_pattern=3, query_pre_attn_scalar=20, final_logit_softcapping=5.0, rope_parameters=dict(full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1000000.0), sliding_attention=rope()))),
    "phi": ("phi", decoder(num_key_value_heads=4)),
    "phi-qk-norm": ("phi", decoder(qk_layernorm=True, rope_parameters=rope(partial_rotary_factor=0.25))),
    "phi3-long": ("phi3", decoder(original_max_position_embeddings=24, rope_parameters=LONG)),
    "phi3-partial": ("phi3", decoder(sliding_window=6, rope_parameters=rope(partial_rotary_factor=0.5))),
    "olmo": ("olmo", decoder(clip_qkv=0.5)),
    "olmo2": ("olmo2", decoder(attention_bias=True)),
    "stablelm": ("stablelm", decoder()),
    "stablelm-qk-norm": ("stablelm", decoder(qk_layernorm=True, use_qkv_bias=True, use_parallel_residual=True, rope_parameters=rope(partial_rotary_factor=0.5))),
    "starcoder2": ("starcoder2", decoder(sliding_window=6)),
    "cohere": ("cohere", decoder()),
    "cohere-qk-norm": ("cohere", decoder(use_qk_norm=True, attention_bias=True, logit_scale=0.25)),
    "granite": ("granite", decoder(embedding_multiplier=12.0, attention_multiplier=0.2, residual_multiplier=0.22, logits_scaling=8.0, attention_bias=True, mlp_bias=True)),
    "smollm3": ("smollm3", decoder(num_hidden_layers=4)),
    "smollm3-windows": ("smollm3", decoder(use_sliding_window=True, sliding_window=6, no_rope_layers=[1, 0], attention_bias=True, mlp_bias=True, tie_word_embeddings=False)),
    "glm4": ("glm4", decoder(head_dim=8)),
    "gptj": ("gptj", dict(GPT, rotary_dim=4, n_inner=40)),
    "mpt": ("mpt", dict(vocab_size=VOCABULARY, d_model=48, n_heads=6, n_layers=2, max_seq_len=64, attn_config=dict(clip_qkv=0.5, softmax_scale=0.3))),
    "qwen2_moe": ("qwen2_moe", decoder(shared_expert_intermediate_size=20, **ROUTED)),
    "qwen2_moe-mixed": ("qwen2_moe", decoder(num_hidden_layers=4, shared_expert_intermediate_size=20, norm_topk_prob=True, decoder_sparse_step=2, mlp_only_layers=[1], qkv_bias=False, use_sliding_window=True, sliding_window=6, max_window_layers=3, **ROUTED)),
    "qwen3_moe": ("qwen3_moe", decoder(num_hidden_layers=2, head_dim=12, norm_topk_prob=True, mlp_only_layers=[0], attention_bias=True, use_sliding_window=True, sliding_window=6, tie_word_embeddings=True, **ROUTED)),
    "deepseek_v3": ("deepseek_v3", decoder(rope_parameters=dict(YARN, mscale=1.0, mscale_all_dim=0.7), **DEEPSEEK)),
    "deepseek_v3-direct": ("deepseek_v3", decoder(**dict(DEEPSEEK, q_lora_rank=None, norm_topk_prob=False, n_shared_experts=2, rope_interleave=False, attention_bias=True))),
    "gpt_oss": ("gpt_oss", decoder(**GPT_OSS)),
    "falcon-grouped": ("falcon", dict(FALCON, new_decoder_architecture=True, num_kv_heads=2, bias=True)),
    "falcon-one-norm": ("falcon", dict(FALCON, new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1, tie_word_embeddings=False)),
    "falcon-alibi": ("falcon", dict(FALCON, alibi=True, multi_query=False, parallel_attn=False, bias=True)),
    "falcon-sequential": ("falcon", dict(FALCON, multi_query=False, parallel_attn=False, ffn_hidden_size=40)),
    "bloom-six-heads": ("bloom", dict(BLOOM, hidden_size=48, n_head=6)),
    "bloom-normed-residual": ("bloom", dict(BLOOM, hidden_size=32, n_head=4, apply_residual_connection_post_layernorm=True)),
    "opt-post-norm": ("opt", dict(OPT, word_embed_proj_dim=24, do_layer_norm_before=False, activation_function="gelu")),
    "opt-bare": ("opt", dict(OPT, enable_bias=False, _remove_final_layer_norm=True, layer_norm_elementwise_affine=False)),
    "gpt2-by-layer": ("gpt2", dict(GPT, scale_attn_by_inverse_layer_idx=True, n_inner=40, tie_word_embeddings=False)),
    "gpt2-unscaled": ("gpt2", dict(GPT, scale_attn_weights=False, activation_function="relu")),
    "gpt_neox-sequential": ("gpt_neox", without(decoder(use_parallel_residual=False, attention_bias=False, rope_parameters=rope(partial_rotary_factor=1.0)), "num_key_value_heads")),
}


def seed(name):
    return sum(ord(letter) * (i + 1) for i, letter in enumerate(name))


def randomise(model, name):
    """Fills weights so that every part of the model shows in the logits, and rounds them to bf16."""
    generator = torch.Generator().manual_seed(seed(name))
    filled = set()
    buffers = [(key, value) for key, value in model.named_buffers() if "e_score" in key]
    with torch.no_grad():
        for key, weight in list(model.named_parameters()) + buffers:
            if weight.data_ptr() in filled:
                continue
            filled.add(weight.data_ptr())
            noise = torch.randn(weight.shape, generator=generator)
            if "norm" in key.lower() or "ln_" in key:
                is_scale = weight.abs().sum() != 0
                value = float(is_scale) + 0.2 * noise
            elif weight.dim() < 2:
                value = 0.1 * noise
            elif "embed" in key or "wte" in key:
                value = 0.5 * noise
            else:
                value = noise * 1.2 / math.sqrt(weight.shape[-1])
            weight.copy_(value.bfloat16().float())


def golden(model, name):
    generator = torch.Generator().manual_seed(seed(name) + 1)
    cases = []
    for length in (1, 30):
        prompt = torch.randint(3, VOCABULARY, (1, length), generator=generator)
        ids, gap = prompt, math.inf
        with torch.no_grad():
            for step in range(10):
                logits = model(input_ids=ids, use_cache=False).logits[0, -1]
                if step == 0:
                    first = [round(logit, 6) for logit in logits.tolist()]
                best = logits.topk(2).values
                gap = min(gap, (best[0] - best[1]).item())
                ids = torch.cat([ids, logits.argmax().view(1, 1)], 1)
        cases.append(
            dict(prompt_ids=prompt[0].tolist(), greedy_ids=ids[0, length:].tolist(), min_top1_top2_gap=gap, last_prompt_logits=first)
        )
    made_by = f"transformers {transformers.__version__}, torch {torch.__version__}, float32, no cache"
    return dict(made_by=made_by, cases=cases)


def make(name, folder):
    family, fields = VARIANTS[name]
    # With eager attention this version of Falcon adds ALiBi twice, to the scores and to the mask.
    attention = "sdpa" if name == "falcon-alibi" else "eager"
    config = AutoConfig.for_model(family, **fields)
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention).float().eval()
    randomise(model, name)
    model.bfloat16().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation=attention, dtype=torch.float32).eval()
    reference = golden(model, name)
    (folder / "golden.json").write_text(json.dumps(reference))
    print(name, "smallest gap", min(case["min_top1_top2_gap"] for case in reference["cases"]), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for variant in sys.argv[2:] or VARIANTS:
        target = Path(sys.argv[1]) / variant
        target.mkdir(parents=True, exist_ok=True)
        make(variant, target)
