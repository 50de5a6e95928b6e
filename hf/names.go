package hf

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/longspan/longspan/model/spec"
)

// change is what is done to a tensor of a file to make it a weight of the model, or a part of one.
type change uint8

const (
	same       change = iota
	transposed        // the file has [in, out]
	plusOne           // the file has the weight of a norm without the one that is added to it
	swapped           // the file has the second half of the rows first
	flat              // the elements of the file's matrix, in order, are one row
)

// part is a tensor whose rows are rows of a weight.
type part struct {
	name   string
	change change
	slice  slice
}

// slice is some of the rows of a tensor: those from … to−1 of a number of rows that the configuration says; the zero slice is all rows.
type slice struct{ from, to, of int }

// names says which tensors make each weight of the model, and which tensors the model does not use.
type names struct {
	has    func(name string) bool // a tensor of the file
	parts  map[string][]part      // by the name of the weight
	rows   map[string][]int       // of each part of a weight that has several
	unused []unused
	second string                                // the name of a tied head's weight, in files that have it twice
	made   map[string]func(i int, row []float32) // rows of weights that are computed, where the file does not have them
	copies []string                              // other names of the embedding's table, which must have the same numbers

	twins   map[string]string // other names of tied tensors, which must have the same numbers: the tensor that is read, by the other name
	repeats map[string]string // other tensors that repeat one: that one by their name

	putPrefix func(prefix string) // puts a prefix before names that have none, where the family's class has one; nil: they stay
}

// unused are tensors of a family that the model does not use.
type unused struct {
	names *regexp.Regexp
	what  string // they are, for people
}

func newNames(has func(string) bool) *names {
	return &names{has: has, parts: map[string][]part{}, rows: map[string][]int{},
		made: map[string]func(int, []float32){}, repeats: map[string]string{},
		twins: map[string]string{}}
}

// put says that the rows of a weight are those of tensors, one after another.
func (n *names) put(weight string, tensors ...string) {
	for _, t := range tensors {
		n.parts[weight] = append(n.parts[weight], part{name: t})
	}
}

// putOrMake is put of a tensor that files may leave out, since its rows can be computed.
func (n *names) putOrMake(weight, tensor string, row func(i int, row []float32)) {
	if n.has(tensor) {
		n.put(weight, tensor)
		return
	}
	n.made[weight] = row
}

// split says how many rows each of several tensors has, where a linear layer's outputs lie side by side.
func (n *names) split(weight string, rows ...int) {
	n.rows[weight+".weight"], n.rows[weight+".bias"] = rows, rows
}

// splitLayers does so for the layers of a specification.
func (n *names) splitLayers(s *spec.Spec) {
	for i, l := range s.Layers {
		n.splitLayer(l, func(weight string) string { return layer(i, weight) })
	}
	if s.Source == nil {
		return
	}
	for i, l := range s.Source.Layers {
		n.splitLayer(l, func(weight string) string { return sourceLayer(i, weight) })
	}
}

// splitLayer does so for a layer whose weights name names.
func (n *names) splitLayer(l spec.Layer, name func(weight string) string) {
	a := l.Attention
	q, kv := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	n.split(name("attention.qkv"), q, kv, kv)
	n.split(name("attention.global_kv"), kv, kv)
	n.split(name("feed_forward.up"), l.FeedForward.Hidden, l.FeedForward.Hidden)
	if c := l.Cross; c != nil {
		n.split(name("cross.kv"), c.KVHeads*c.HeadDim, c.KVHeads*c.HeadDim)
	}
}

// changed is put of one tensor that is changed.
func (n *names) changed(weight, tensor string, c change) {
	n.parts[weight] = []part{{name: tensor, change: c}}
}

// sliced is put of some rows of a tensor.
func (n *names) sliced(weight, tensor string, rows slice) {
	n.parts[weight] = append(n.parts[weight], part{name: tensor, slice: rows})
}

// linear names the weights and biases of linear layers whose outputs lie side by side. A bias that the model does not have is not asked
// for.
func (n *names) linear(weight string, tensors ...string) {
	for _, t := range tensors {
		n.put(weight+".weight", t+".weight")
		n.put(weight+".bias", t+".bias")
	}
}

// norm names the weight and the bias of a norm. Files of 2018 and 2019 have gamma and beta.
func (n *names) norm(weight, tensor string) {
	if !n.has(tensor+".weight") && n.has(tensor+".gamma") {
		n.put(weight+".weight", tensor+".gamma")
		n.put(weight+".bias", tensor+".beta")
		return
	}
	n.linear(weight, tensor)
}

// headNotUsed is what the tensors of a head are, below which the body is opened.
const headNotUsed = "a head that is not used"

// ignore names tensors that the model does not use, by a regular expression of their whole names.
func (n *names) ignore(expression, what string) {
	n.unused = append(n.unused, unused{regexp.MustCompile("^(" + expression + ")$"), what})
}

// tied names the head's weight that a tied model has as a second name of the embedding's table.
func (n *names) tied(name string) {
	n.second = name
	n.ignore(regexp.QuoteMeta(name), "a second name of the tied head")
}

// twin names a tensor that is a second name of another, with the same numbers where a file has it.
func (n *names) twin(name, of string) {
	n.twins[name] = of
	n.ignore(regexp.QuoteMeta(name), "a second name of a tied tensor")
}

// table is the tensor of the embedding's table, or of the first one.
func (n *names) table() string {
	for _, weight := range []string{"embedding.weight", "embedding.0.weight"} {
		if parts := n.parts[weight]; len(parts) > 0 {
			return parts[0].name
		}
	}
	return ""
}

// shared names the embedding's table, which files have under one or several of these names.
func (n *names) shared(tensors ...string) {
	own := slices.IndexFunc(tensors, n.has)
	if own < 0 {
		own = 0 // the error names it
	}
	n.put("embedding.weight", tensors[own])
	for _, t := range tensors[own+1:] {
		n.copies = append(n.copies, t)
		n.ignore(regexp.QuoteMeta(t), "a second name of the embedding's table")
	}
}

// copied names a tensor that repeats another, and that the model does not read. A saved model has it where the file had it.
func (n *names) copied(name, of, what string) {
	n.ignore(regexp.QuoteMeta(name), what)
	if name != of {
		n.repeats[name] = of
	}
}

// explained reports whether a tensor is one that the model does not use, and what it is.
func (n *names) explained(name string) (what string, ok bool) {
	for _, u := range n.unused {
		if u.names.MatchString(name) {
			return u.what, true
		}
	}
	return "", false
}

// prefix finds the prefix of the body's tensors: that of the first candidate under which the file has the tensor. Files of whole models
// have one, files of bodies alone have none.
func (n *names) prefix(c *config, tensor string, candidates ...string) string {
	for _, p := range candidates {
		if !n.has(p + tensor) {
			continue
		}
		if p == "" && candidates[0] != "" && n.putPrefix != nil {
			n.putPrefix(candidates[0])
			return candidates[0]
		}
		return p
	}
	c.fail("model_type", "found no tensor %q among the weights, under none of the prefixes %q: the weights are of another model",
		tensor, strings.Join(candidates, " "))
	return ""
}

// layer is the name of a weight of layer i.
func layer(i int, name string) string { return fmt.Sprintf("blocks.%d.%s", i, name) }

// sourceLayer is the name of a weight of layer i of an encoder-decoder's encoder.
func sourceLayer(i int, name string) string { return fmt.Sprintf("source.%d.%s", i, name) }
