package hf

import (
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/longspan/longspan/model/spec"
)

// task is what the head of a checkpoint does: the end of the class's name in config.json's architectures.
type task uint8

const (
	body        task = iota // no head: …Model
	maskedLM                // …ForMaskedLM, …ForPreTraining
	lm                      // …ForCausalLM, …LMHeadModel
	classify                // …ForSequenceClassification
	tag                     // …ForTokenClassification
	conditional             // …ForConditionalGeneration
)

// tasks are the ends of class names.
var tasks = []struct {
	end  string
	task task
}{
	{"ForMaskedLM", maskedLM}, {"ForPreTraining", maskedLM}, {"ForCausalLM", lm}, {"LMHeadModel", lm},
	{"ForSequenceClassification", classify}, {"ForTokenClassification", tag}, {"ForConditionalGeneration", conditional},
	{"TextModel", body}, {"Model", body},
}

// classNames are the beginnings of the names of transformers' classes, by model_type.
var classNames = map[string][]string{
	"bert": {"Bert", "JinaBert"}, "roberta": {"Roberta"}, "camembert": {"Camembert"}, "xlm-roberta": {"XLMRoberta"},
	"modernbert": {"ModernBert"}, "longformer": {"Longformer"}, "llama": {"Llama"}, "mistral": {"Mistral"},
	"qwen2": {"Qwen2"}, "qwen3": {"Qwen3"}, "gemma3_text": {"Gemma3", "Gemma3Text"}, "gpt2": {"GPT2"},
	"big_bird": {"BigBird"}, "bigbird_pegasus": {"BigBirdPegasus"},
	"bart": {"Bart"}, "mbart": {"MBart"}, "led": {"LED"}, "pegasus": {"Pegasus"},
	"t5": {"T5", "T5Encoder"}, "mt5": {"MT5", "MT5Encoder"}, "umt5": {"UMT5", "UMT5Encoder"},
	"longt5": {"LongT5", "LongT5Encoder"},
	"esm":    {"Esm"}, "nomic_bert": {"NomicBert"}, "gte": {"Gte"}, "new": {"New"}, "eurobert": {"EuroBert"},
	"nystromformer": {"Nystromformer"}, "transfo-xl": {"TransfoXL"},
}

// task reads architectures. Bodies of sentence-transformers have no head, whatever their class.
func (c *config) task(bodyOnly bool, allowed ...task) task {
	classes := c.texts("architectures")
	if c.has("auto_map") {
		c.read["auto_map"] = true
		c.note("config.json names code of its own (auto_map), which this program does not run")
	}
	if bodyOnly {
		return body
	}
	if len(classes) == 0 {
		c.fail("architectures", "found none, expected the name of the class, such as BertForMaskedLM or BertModel")
		return body
	}
	if len(classes) > 1 {
		c.fail("architectures", "found %q, expected one class", classes)
		return body
	}
	var known []string
	for _, t := range tasks {
		for _, a := range append(allowed, body) {
			if a != t.task {
				continue
			}
			for _, name := range classNames[c.text("model_type", "")] {
				known = append(known, name+t.end)
				if strings.EqualFold(classes[0], name+t.end) { // the first Llama folders have LLaMAForCausalLM
					return t.task
				}
			}
		}
	}
	if c.asked != "" {
		c.fail("model_type", "the family %s has no head of this kind; expected %s", c.text("model_type", ""), kindsOf(allowed))
		return body
	}
	c.fail("architectures", "found the class %s, expected one of %s; open the body alone to use what is below the head", classes[0],
		strings.Join(known, ", "))
	return body
}

// kindsOf lists the kinds of heads that can be asked for, of a family that has these.
func kindsOf(allowed []task) string {
	var kinds []string
	for _, t := range allowed {
		kinds = append(kinds, map[task][]string{maskedLM: {spec.MaskedLM}, lm: {spec.LM}, conditional: {spec.LM}, tag: {spec.Tag},
			classify: {spec.Classify, spec.Regress}}[t]...)
	}
	if !slices.Contains(allowed, conditional) {
		kinds = append(kinds, spec.Embed)
	}
	return strings.Join(kinds, ", ")
}

// labels reads the names of the classes. One label is a number, not a class.
func (c *config) labels() []string {
	var byID map[string]json.RawMessage
	c.value("id2label", &byID, "an object of labels by number")
	if len(byID) == 0 {
		n := c.integer("num_labels", 2)
		if n < 1 || n > 1<<20 {
			c.fail("num_labels", "found %d, expected 1 to %d", n, 1<<20)
			return nil
		}
		labels := make([]string, n)
		for i := range labels {
			labels[i] = "LABEL_" + strconv.Itoa(i)
		}
		return labels
	}
	ids := make([]int, 0, len(byID))
	for text := range byID {
		id, err := strconv.Atoi(text)
		if err != nil || id < 0 || id >= len(byID) {
			c.fail("id2label", "found the number %q of a label, expected 0 to %d", text, len(byID)-1)
			return nil
		}
		ids = append(ids, id)
	}
	sort.Ints(ids)
	labels := make([]string, len(ids))
	for i, id := range ids {
		if i != id {
			c.fail("id2label", "found no label %d, expected one for each number to %d", i, len(ids)-1)
			return nil
		}
		if err := json.Unmarshal(byID[strconv.Itoa(id)], &labels[i]); err != nil {
			labels[i] = string(byID[strconv.Itoa(id)]) // some files have numbers as labels
		}
	}
	return labels
}

// classifier is the head of a classifier of sequences or of tokens, and the labels.
func (c *config) classifier(t task, pooling string) (spec.Head, []string) {
	labels := c.labels()
	if t == tag {
		if len(labels) == 1 {
			c.fail("id2label", "found one label of tokens, expected at least 2")
		}
		return spec.Head{Kind: spec.Tag, Classes: len(labels)}, labels
	}
	problem := c.text("problem_type", "")
	if len(labels) == 1 && problem != "multi_label_classification" {
		return spec.Head{Kind: spec.Regress, Pooling: pooling}, nil
	}
	switch problem {
	case "", "single_label_classification", "multi_label_classification":
	default:
		c.fail("problem_type", "found %q with %d labels, expected single_label_classification or multi_label_classification", problem,
			len(labels))
	}
	return spec.Head{Kind: spec.Classify, Classes: len(labels), Pooling: pooling, Independent: problem == "multi_label_classification"}, labels
}

// denseClassifier is a classifier of the first token: classifier.dense, an activation, and classifier.out_proj.
func (b *built) denseClassifier(c *config, t task, activation string) {
	b.spec.Head, b.labels = c.classifier(t, "first")
	b.spec.Head.Transform = &spec.Transform{Activation: activation, Bias: true}
	b.spec.Head.Bias = true
	b.names.linear("head.transform", "classifier.dense")
	b.names.linear("head", "classifier.out_proj")
}

// tagger is one linear layer over every token, classifier.
func (b *built) tagger(c *config, t task) {
	b.spec.Head, b.labels = c.classifier(t, "")
	b.spec.Head.Bias = true
	b.names.linear("head", "classifier")
}
