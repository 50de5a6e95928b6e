package hf

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/longspan/longspan/model/spec"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// Head asks for a head, which is the checkpoint's where that has the same kind and the same classes. Another is that of transformers' class
// for the task. Its weights are those that the files have under its names and in its shapes, as transformers takes them, and new ones.
type Head struct {
	Kind   string   // of package spec: lm, mlm, classify, tag, regress or embed
	Labels []string // names of the classes of classify and tag, in order
}

// classOf are the ends of the names of transformers' classes, by the kind of head.
var classOf = map[string]string{spec.MaskedLM: "ForMaskedLM", spec.LM: "ForCausalLM", spec.Classify: "ForSequenceClassification",
	spec.Regress: "ForSequenceClassification", spec.Tag: "ForTokenClassification"}

// withHead describes a checkpoint with the head that is asked for.
func (c *config) withHead(where string, t Tensors, o Options) (*Checkpoint, error) {
	head := *o.Head
	o.Head = nil
	old, err := c.describe(where, t, o)
	if err != nil {
		return nil, err
	}
	if head.Kind == spec.Embed {
		o.BodyOnly = true
		k, err := c.describe(where, t, o)
		if err == nil {
			k.behead(old)
		}
		return k, err
	}
	own := old.Spec.Head
	named := head.Kind == spec.Classify && !own.Independent || head.Kind == spec.Tag
	if own.Kind == head.Kind && (!named && head.Kind != spec.Classify || named && slices.Equal(old.Labels, head.Labels)) {
		return old, nil
	}
	settings, err := c.settingsOf(head)
	if err != nil {
		return nil, err
	}
	text, err := edit(c.raw, settings)
	if err != nil {
		return nil, err
	}
	changed, err := parseConfig(c.path, text)
	if err != nil {
		return nil, err
	}
	changed.asked = head.Kind
	changed.normsHaveOne, changed.notes = c.normsHaveOne, slices.Clone(c.notes)
	o.BodyOnly = false
	view := &prefixed{Tensors: t}
	k, err := changed.describeFrom(where, view, o, view.put)
	if err != nil {
		return nil, fmt.Errorf("the head %s is asked for: %w", head.Kind, err)
	}
	k.reheaded, k.renewed = true, own.OfSequences() && own.Kind != spec.Embed || own.Kind == spec.Tag
	k.Weights.leave(old, view.prefix)
	return k, nil
}

// behead makes the checkpoint of a body that of transformers' class of bodies, where the old one has a head: that is not saved.
func (k *Checkpoint) behead(old *Checkpoint) {
	if old.Spec.Head.Kind == spec.Embed {
		return
	}
	k.bodyClass = bodyOf(k.Family, k.Class)
	k.Weights.left = map[string]bool{}
	for _, name := range k.Weights.tensors.Names() {
		if what, _ := k.Weights.names.explained(name); what == headNotUsed {
			k.Weights.left[name] = true
		}
	}
	k.Notes = append(k.Notes, fmt.Sprintf("the head of the %s is left out: the model gives vectors, as a %s", k.Class, k.bodyClass))
}

// bodyOf is the class of the body of a class with a head.
func bodyOf(family, class string) string {
	names := classNames[family]
	for _, name := range names {
		for _, t := range tasks {
			if !strings.EqualFold(class, name+t.end) {
				continue
			}
			for _, part := range []string{"Text", "Encoder"} { // Gemma3TextModel, T5EncoderModel
				if slices.Contains(names, name+part) {
					return name + part + "Model"
				}
			}
			return name + "Model"
		}
	}
	return class
}

// settingsOf are the keys of config.json that another head changes.
func (c *config) settingsOf(head Head) ([]setting, error) {
	end, ok := classOf[head.Kind]
	names := classNames[c.text("model_type", "")]
	if !ok || len(names) == 0 {
		return nil, fmt.Errorf("hf: found the head %q, expected lm, mlm, classify, tag, regress or embed", head.Kind)
	}
	name := names[0]
	switch {
	case head.Kind == spec.LM && name == "GPT2":
		end = "LMHeadModel"
	case head.Kind != spec.LM && head.Kind != spec.MaskedLM && slices.Contains(names, name+"Text"):
		name += "Text" // Gemma3TextForSequenceClassification
	}
	all := []setting{{"architectures", []string{name + end}}}
	labels, problem := head.Labels, any(nil)
	switch head.Kind {
	case spec.Classify:
		problem = "single_label_classification"
	case spec.Regress:
		labels, problem = []string{"LABEL_0"}, "regression"
	case spec.Tag:
	default:
		return all, nil
	}
	if len(labels) == 0 || head.Kind != spec.Regress && len(labels) < 2 {
		return nil, fmt.Errorf("hf: found %d classes for the head %s, expected at least 2", len(labels), head.Kind)
	}
	byID, byName := make([]string, len(labels)), make([]string, len(labels))
	for i, label := range labels {
		text, err := marshal(label)
		if err != nil {
			return nil, err
		}
		byID[i], byName[i] = fmt.Sprintf("%q: %s", strconv.Itoa(i), text), fmt.Sprintf("%s: %d", text, i)
	}
	object := func(members []string) json.RawMessage {
		return json.RawMessage("{" + strings.Join(members, ", ") + "}")
	}
	return append(all, setting{"id2label", object(byID)}, setting{"label2id", object(byName)}, setting{"num_labels", nil},
		setting{"problem_type", problem}), nil
}

// prefixed is [Tensors] of a body whose names a class with a head has behind a prefix. What sentence-transformers has after the body is no
// part of it.
type prefixed struct {
	Tensors
	prefix string
}

func (p *prefixed) put(prefix string) { p.prefix = prefix }

// inner is the name of a tensor without the prefix; ok is false for one without it.
func (p *prefixed) inner(name string) (string, bool) { return strings.CutPrefix(name, p.prefix) }

func (p *prefixed) Names() (all []string) {
	for _, name := range p.Tensors.Names() {
		if !strings.HasPrefix(name, "dense ") {
			all = append(all, p.prefix+name)
		}
	}
	return all
}

func (p *prefixed) Shape(name string) ([]int, bool) {
	inner, ok := p.inner(name)
	if !ok {
		return nil, false
	}
	return p.Tensors.Shape(inner)
}

func (p *prefixed) View(name string) (tensor.Mat, bool) {
	inner, ok := p.inner(name)
	if !ok {
		return tensor.Mat{}, false
	}
	return p.Tensors.View(inner)
}

func (p *prefixed) ReadMat(dst tensor.Mat, name string) error {
	inner, ok := p.inner(name)
	if !ok {
		return fmt.Errorf("found no tensor %q", name)
	}
	return p.Tensors.ReadMat(dst, inner)
}

func (p *prefixed) entry(name string) (safetensors.Entry, bool) {
	source, ok := p.Tensors.(entries)
	inner, has := p.inner(name)
	if !ok || !has {
		return safetensors.Entry{}, false
	}
	return source.entry(inner)
}

func (p *prefixed) bytes(name string) ([]byte, error) {
	inner, _ := p.inner(name)
	return p.Tensors.(entries).bytes(inner) // addUnused has looked
}

func (p *prefixed) stored(name string) (kind string, bytes int64) {
	inner, _ := p.inner(name)
	if s, ok := p.Tensors.(interface {
		stored(name string) (kind string, bytes int64)
	}); ok {
		return s.stored(inner)
	}
	return "", 0
}

// leave names the tensors that the checkpoint explains and this one does not: those of the head that is replaced, which are not saved.
func (w *Weights) leave(old *Checkpoint, prefix string) {
	before := old.Weights.names
	w.left = map[string]bool{}
	for _, parts := range before.parts {
		for _, p := range parts {
			if _, ok := old.Weights.tensors.Shape(p.name); ok {
				w.left[prefix+p.name] = true
			}
		}
	}
	for _, name := range old.Weights.tensors.Names() {
		if _, ok := before.explained(name); ok {
			w.left[prefix+name] = true
		}
	}
	for _, parts := range w.names.parts {
		for _, p := range parts {
			delete(w.left, p.name)
		}
	}
	for _, name := range w.tensors.Names() {
		if _, ok := w.names.explained(name); ok {
			delete(w.left, name)
		}
	}
}

// Reheaded reports whether the head is another than the checkpoint's.
func (k *Checkpoint) Reheaded() bool { return k.reheaded }

// Has reports whether the files have a weight of rows × cols. A head that replaces another has weights that they do not have. Of another
// classifier of other classes the last layer is none, whatever its shape. A weight that is no part of such a head must be there.
func (k *Checkpoint) Has(weight string, rows, cols int) (bool, error) {
	if _, made := k.Weights.names.made[weight]; made {
		return true, nil
	}
	parts := k.Weights.names.parts[weight]
	if len(parts) == 0 {
		return false, fmt.Errorf("hf: %s: the family has no name for the weight %q", k.Weights.where, weight)
	}
	err := k.Weights.check(weight, parts, rows, cols)
	another := k.renewed && (weight == "head.weight" || weight == "head.bias")
	if another || err != nil && k.reheaded && strings.HasPrefix(weight, "head.") {
		for _, p := range parts {
			k.Weights.used[p.name] = true // in its place stands the new one
		}
		return false, nil
	}
	return err == nil, err
}

// Read reads a weight into dst, which is F32 and of its shape.
func (w *Weights) Read(dst tensor.Mat, weight string) error {
	if row, ok := w.names.made[weight]; ok {
		for i := range dst.Rows {
			row(i, dst.Row(i))
		}
		return nil
	}
	parts := w.names.parts[weight]
	if err := w.check(weight, parts, dst.Rows, dst.Cols); err != nil {
		return err
	}
	at := 0
	for _, p := range parts {
		r, c := w.matrix(p)
		var to tensor.Mat
		next := at + r
		if dst.Rows == 1 {
			next = at + c
			to = dst.SliceCols(at, next)
		} else {
			to = dst.SliceRows(at, next)
		}
		if err := w.copyPart(to, p); err != nil {
			return fmt.Errorf("hf: %s: %s: %w", w.where, p.name, err)
		}
		at = next
	}
	return nil
}
