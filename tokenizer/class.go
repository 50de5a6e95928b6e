package tokenizer

import (
	"fmt"
	"slices"
	"strings"
)

// class is what a tokenizer class of transformers 4.57.6 does to a tokenizer.json when it opens a folder.
type class struct {
	roles    map[string]string // the tokens that a configuration need not name
	mask     maskFlags         // of the mask token, where it is no added token of the file
	rewrites []rewrite
	extra    func(config) []string                     // special tokens that no file need name
	files    func(*folderFiles, class) ([]byte, error) // makes a tokenizer.json of other files, nil where this package does not
}

// maskFlags are the settings of a mask token that a configuration names without any.
type maskFlags struct{ lstrip, normalized bool }

// rewrite changes components as a class does.
type rewrite func(f object, c config, t *specialTokens) error

// roleNames are the roles in the order in which transformers adds their tokens.
var roleNames = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

func roles(pairs string) map[string]string {
	m := map[string]string{}
	for _, pair := range strings.Fields(pairs) {
		role, token, _ := strings.Cut(pair, "=")
		m[role+"_token"] = token
	}
	return m
}

var (
	bertRoles    = roles("unk=[UNK] sep=[SEP] pad=[PAD] cls=[CLS] mask=[MASK]")
	robertaRoles = roles("bos=<s> eos=</s> sep=</s> cls=<s> unk=<unk> pad=<pad> mask=<mask>")
	endOfText    = roles("bos=<|endoftext|> eos=<|endoftext|> unk=<|endoftext|>")
	plainClass   = class{}
	bertClass    = class{roles: bertRoles, rewrites: []rewrite{rewriteBert}, files: fromVocabTxt}
	robertaClass = class{roles: robertaRoles, mask: maskFlags{lstrip: true}, rewrites: []rewrite{rewriteRoberta},
		files: fromVocabAndMerges}
	bartClass = class{roles: robertaRoles, mask: maskFlags{lstrip: true, normalized: true}, rewrites: []rewrite{rewriteRoberta},
		files: fromVocabAndMerges}
	llamaClass   = class{roles: roles("bos=<s> eos=</s> unk=<unk>"), rewrites: []rewrite{rewriteEnds(true)}}
	gptNeoXClass = class{roles: endOfText, rewrites: []rewrite{rewriteEnds(false)}, files: fromVocabAndMerges}
)

// classes are the classes by their name without Fast.
var classes = map[string]class{
	"PreTrainedTokenizer": plainClass, "TokenizersBackend": plainClass,
	"Bert": bertClass, "DistilBert": bertClass, "Electra": bertClass, "MobileBert": bertClass, "ConvBert": bertClass,
	"RetriBert": bertClass, "SqueezeBert": bertClass, "Lxmert": bertClass, "LayoutLM": bertClass,
	"MPNet": {roles: roles("bos=<s> eos=</s> sep=</s> cls=<s> unk=[UNK] pad=<pad> mask=<mask>"), mask: maskFlags{lstrip: true},
		rewrites: []rewrite{rewriteBert}},
	"Roberta": robertaClass, "Longformer": robertaClass, "Mvp": robertaClass,
	"LED": bartClass, "Bart": bartClass,
	"XLMRoberta": {roles: robertaRoles, mask: maskFlags{lstrip: true, normalized: true}},
	"Camembert":  {roles: robertaRoles, mask: maskFlags{lstrip: true, normalized: true}},
	"BigBird": {roles: roles("bos=<s> eos=</s> unk=<unk> pad=<pad> sep=[SEP] cls=[CLS] mask=[MASK]"),
		mask: maskFlags{lstrip: true, normalized: true}},
	"Albert":  {roles: roles("bos=[CLS] eos=[SEP] unk=<unk> sep=[SEP] pad=<pad> cls=[CLS] mask=[MASK]"), mask: maskFlags{lstrip: true}},
	"T5":      {roles: roles("eos=</s> unk=<unk> pad=<pad>"), extra: extraIDs},
	"Pegasus": {roles: roles("pad=<pad> eos=</s> unk=<unk> mask=<mask_2>"), extra: pegasusTokens},
	"GPT2":    {roles: endOfText, files: fromVocabAndMerges},
	"GPTNeoX": gptNeoXClass,
	"Qwen2":   {roles: roles("eos=<|endoftext|> unk=<|endoftext|> pad=<|endoftext|>"), files: fromVocabAndMerges},
	"Llama":   llamaClass, "CodeLlama": llamaClass,
	"Gemma":     {roles: roles("bos=<bos> eos=<eos> unk=<unk> pad=<pad>"), rewrites: []rewrite{rewriteEnds(true)}},
	"Esm":       esmClass,
	"TransfoXL": transfoXLClass,
	"Cohere":    {roles: roles("bos=<BOS_TOKEN> eos=<|END_OF_TURN_TOKEN|> unk=<UNK>"), rewrites: []rewrite{rewriteEnds(true)}},
}

// families are the classes by the model_type of config.json, for a folder that does not name its class.
var families = map[string]string{
	"bert": "Bert", "distilbert": "DistilBert", "electra": "Electra", "mobilebert": "MobileBert", "convbert": "ConvBert",
	"mpnet": "MPNet", "nystromformer": "Albert", "albert": "Albert", "roberta": "Roberta", "longformer": "Longformer", "led": "LED",
	"bart": "Bart", "xlm-roberta": "XLMRoberta", "camembert": "Camembert", "big_bird": "BigBird", "bigbird_pegasus": "Pegasus",
	"pegasus": "Pegasus", "pegasus_x": "Pegasus", "t5": "T5", "longt5": "T5", "umt5": "T5", "gpt2": "GPT2", "gpt_neox": "GPTNeoX",
	"qwen2": "Qwen2", "qwen3": "Qwen2", "llama": "Llama", "mistral": "Llama", "gemma": "Gemma", "gemma2": "Gemma", "gemma3": "Gemma",
	"gemma3_text": "Gemma", "cohere": "Cohere", "modernbert": "PreTrainedTokenizer", "smollm3": "PreTrainedTokenizer",
	"gpt_oss": "PreTrainedTokenizer", "eurobert": "PreTrainedTokenizer", "esm": "Esm", "nomic_bert": "Bert",
	"gte": "XLMRoberta", "transfo-xl": "TransfoXL",
}

// extraIDs are the sentinels of T5.
func extraIDs(c config) (names []string) {
	for i := range c.intOr("extra_ids", 100) {
		names = append(names, fmt.Sprintf("<extra_id_%d>", i))
	}
	return names
}

// pegasusTokens are the tokens of Pegasus that only its training used.
func pegasusTokens(c config) (names []string) {
	offset := c.intOr("offset", 103)
	if len(c.list("additional_special_tokens")) > 0 {
		return nil
	}
	names = []string{c.stringOr("mask_token_sent", "<mask_1>")}
	for i := 2; i < offset; i++ {
		names = append(names, fmt.Sprintf("<unk_%d>", i))
	}
	return names
}

// changing are classes of transformers that change components in other ways.
var changing = strings.Fields("Blenderbot Bloom CLIP Funnel LayoutLMv2 LayoutLMv3 MBart MBart50 MarkupLM Nllb RoFormer SeamlessM4T " +
	"Splinter Whisper")

// note is what a class does that is not followed, empty where all is.
func (c config) note(name string) string {
	if slices.Contains(changing, name) {
		return fmt.Sprintf("tokenizer_class: transformers' class %s changes the components of the file in its own way", name)
	}
	return ""
}
