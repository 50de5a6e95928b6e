package hf

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/longspan/longspan/model/spec"
)

// families are the models that are read, by the model_type of config.json.
var families = map[string]func(*config, request) (*built, error){
	"bert": bert, "roberta": roberta, "xlm-roberta": roberta, "camembert": roberta,
	"modernbert": modernbert, "longformer": longformer, "big_bird": bigBird, "bigbird_pegasus": bigBirdPegasus,
	"esm": esm, "nomic_bert": nomicBert, "gte": gte, "new": gte, "eurobert": euroBERT,
	"llama": llama, "mistral": mistral, "qwen2": qwen2, "qwen3": qwen3, "gemma3_text": gemma3, "gpt2": gpt2,
	"bart": bart, "mbart": mbart, "led": led, "pegasus": pegasus,
	"t5": t5, "mt5": t5, "umt5": umt5, "longt5": longT5,
	"nystromformer": nystromformer, "transfo-xl": transfoXL,
}

// Families lists the model types that are read, in order.
func Families() []string {
	var all []string
	for name := range families {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// Is reports whether a folder has the form of Hugging Face's: a config.json or a modules.json.
func Is(dir string) bool {
	for _, name := range []string{"config.json", "modules.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// Options change what is made of a checkpoint. The zero value changes nothing.
type Options struct {
	BodyOnly  bool     // without the head: the model gives vectors
	Pooled    bool     // something else says how vectors are pooled
	MaskToken int32    // of the tokenizer; −1: not known
	Attention []string // the mechanism of layer i, of an encoder-decoder's encoder, is element i mod n; nil: the checkpoint's
	Global    []int    // positions of global tokens; nil: the checkpoint's
	Head      *Head    // nil: the checkpoint's
}

// Checkpoint is a checkpoint that was described, with its weights.
type Checkpoint struct {
	Family  string // the model_type
	Class   string // of transformers
	Spec    spec.Spec
	Labels  []string // of the classes
	Context int      // tokens of the longest sequence, or source, that the model was made for; 0: not known
	Notes   []string // for people: what of the configuration has no effect, what of the weights is not used
	Body    string   // the folder of config.json and the tokenizer

	Prompts   map[string]string // of sentence-transformers, by name
	Prompt    string            // the name of the default one
	LowerCase bool              // texts are put into lower case before the tokenizer

	Weights *Weights

	config   *config
	options  Options
	top      string    // the folder that was opened; empty: none
	pipeline *pipeline // nil: none

	reheaded bool // the head is another
	renewed  bool // the last layer of the head is another, of other classes

	bodyClass string // transformers' class in place of Class, whose head is left out; empty: Class
}

// describe makes the checkpoint of a configuration.
func (c *config) describe(where string, t Tensors, o Options) (*Checkpoint, error) {
	if o.Head != nil {
		return c.withHead(where, t, o)
	}
	return c.describeFrom(where, t, o, nil)
}

// describeFrom is describe without another head. putPrefix puts a prefix before the names of tensors that have none, where the family's
// class has one; nil: they stay.
func (c *config) describeFrom(where string, t Tensors, o Options, putPrefix func(string)) (*Checkpoint, error) {
	kind := c.text("model_type", "")
	family, ok := families[kind]
	if !ok {
		return nil, fmt.Errorf("hf: %s: found the model_type %q, expected one of %s", c.path, kind, strings.Join(Families(), ", "))
	}
	c.absent("quantization_config")
	has := func(name string) bool { _, ok := t.Shape(name); return ok }
	b, err := family(c, request{has: has, putPrefix: putPrefix, bodyOnly: o.BodyOnly, maskToken: o.MaskToken})
	if err == nil {
		err = c.first
	}
	if err != nil {
		return nil, err
	}
	b.names.splitLayers(&b.spec)
	k := &Checkpoint{Family: kind, Spec: b.spec, Labels: b.labels, Context: b.context, config: c, options: o}
	switch {
	case k.Context > 0:
	case b.spec.Source != nil:
		k.Context = b.spec.MaxSource()
	default:
		k.Context = b.spec.MaxTokens()
	}
	if classes := c.texts("architectures"); len(classes) > 0 {
		k.Class = classes[0]
	}
	if err := k.rewire(b, o); err != nil {
		return nil, err
	}
	if err := k.Spec.Check(); err != nil {
		return nil, fmt.Errorf("hf: %s: %w", c.path, err)
	}
	k.Notes = append(k.Notes, c.notes...)
	if c.mechanism != "" && len(o.Attention) == 0 {
		k.Notes = append(k.Notes, c.mechanism)
	}
	if b.spec.Head.Kind == spec.Embed && !o.Pooled {
		k.Notes = append(k.Notes, "no file says how the vectors of tokens become one: they are means (pooling mean)")
	}
	if keys := c.unread(); len(keys) > 0 {
		k.Notes = append(k.Notes, "config.json has keys that transformers' class and this program do not read: "+strings.Join(keys, ", "))
	}
	k.Weights = &Weights{tensors: t, names: b.names, where: where, used: map[string]bool{}}
	if b.spec.Head.Tied {
		if err := k.Weights.checkTied(); err != nil {
			return nil, err
		}
	}
	return k, k.Weights.checkCopies()
}

// rewire sets the mechanisms and the global tokens.
func (k *Checkpoint) rewire(b *built, o Options) error {
	globals := b.globals
	if o.Global != nil {
		globals = o.Global
	}
	globals = slices.Compact(slices.Sorted(slices.Values(globals)))
	if len(globals) > 0 && !b.secondProjections {
		return fmt.Errorf("hf: found global tokens for a model of the type %s, which has no projections for them; "+
			"change the mechanism instead, such as window(256) | global(0)", k.Family)
	}
	layers := k.Spec.Layers
	if k.Spec.Source != nil {
		layers = k.Spec.Source.Layers
	}
	for i := range layers {
		a := &layers[i].Attention
		if n := len(o.Attention); n > 0 {
			a.Mechanism = o.Attention[i%n]
			if !a.HasSummaries() {
				a.SummaryNorm = 0
			}
		}
		if b.secondProjections {
			a.Mechanism, a.Global = withGlobals(a.Mechanism, globals)
		}
	}
	if b.withoutGlobals != "" && !slices.ContainsFunc(layers, func(l spec.Layer) bool { return len(l.Attention.Global) > 0 }) {
		k.Notes = append(k.Notes, b.withoutGlobals)
	}
	if len(o.Attention) > 0 {
		k.Notes = append(k.Notes, fmt.Sprintf("the mechanism is %s, not the one that the weights were trained with: "+
			"results differ from the checkpoint's, the more so the more a token now sees or misses", strings.Join(o.Attention, ", ")))
	}
	return nil
}

// globalTerm is the text form of global tokens in a mechanism.
var globalTerm = regexp.MustCompile(`global\(([0-9, ]+)\)`)

// withGlobals is a mechanism with global tokens, and all its global tokens in order: those that it has, and the given ones.
func withGlobals(mechanism string, globals []int) (string, []int) {
	all := slices.Clone(globals)
	for _, term := range globalTerm.FindAllStringSubmatch(mechanism, -1) {
		for _, text := range strings.Split(term[1], ",") {
			if at, err := strconv.Atoi(strings.TrimSpace(text)); err == nil { // the mechanism's parser refuses what is no number
				all = append(all, at)
			}
		}
	}
	if len(globals) > 0 {
		mechanism += " | " + globalPattern(globals)
	}
	slices.Sort(all)
	return mechanism, slices.Compact(all)
}

// globalPattern is the text form of global tokens.
func globalPattern(at []int) string {
	texts := make([]string, len(at))
	for i, n := range at {
		texts[i] = fmt.Sprint(n)
	}
	return "global(" + strings.Join(texts, ", ") + ")"
}
