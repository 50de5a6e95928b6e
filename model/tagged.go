package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/tokenizer"
)

// TagOptions set how tokens are tagged.
type TagOptions struct {
	ReadOptions

	// Aggregate is how tokens become entities; empty: simple. none: each token is one. simple: each token has its most probable tag. first,
	// average, max: all tokens of a word have the tag of its first token, of the mean of their probabilities, or of the token that is most
	// certain. Tags of one entity are joined, but for none. The names and results are those of transformers.
	Aggregate string
}

// aggregates are the values of TagOptions.Aggregate.
var aggregates = []string{"none", "simple", "first", "average", "max"}

// TaggedText is the entities of a text, in order. Tokens of the class O are in none.
type TaggedText struct {
	Reading
	Entities []Tagged `json:"entities"`
}

// TagEach finds the entities of texts, and calls use with those of each, in order. The model must have the head tag. Classes may be named
// in the schemes IO, BIO and BIOES (or BILOU): the entity has the name after the hyphen. Later tokens of a character have the tag of its
// first. Short texts are computed together. Of a text that is longer than the model reads at once each token has the tag that it gets in
// the chunk in which it stands farthest from a border.
func (s *Session) TagEach(ctx context.Context, texts []string, o TagOptions, use func(i int, t TaggedText) error) error {
	if head := s.m.spec.Head.Kind; head != Tag {
		return fmt.Errorf("model: found the head %s, expected tag", head)
	}
	if o.Aggregate == "" {
		o.Aggregate = "simple"
	}
	if !slices.Contains(aggregates, o.Aggregate) {
		return fmt.Errorf("model: found the aggregation %q, expected one of %v", o.Aggregate, aggregates)
	}
	pairs := make([]Pair, len(texts))
	for i, text := range texts {
		pairs[i].First = text
	}
	t := newTagger(s.m, o.Aggregate)
	w := asked{options: o.ReadOptions, joined: "each token from the chunk in which it stands farthest from a border"}
	return s.eachOutput(ctx, pairs, w, func(i int, out outputs) error {
		return use(i, TaggedText{Reading: out.d.reading, Entities: t.entities(texts[i], out)})
	})
}

// Tag is [Session.TagEach] with the results in a slice.
func (s *Session) Tag(ctx context.Context, texts []string, o TagOptions) ([]TaggedText, error) {
	all := make([]TaggedText, 0, len(texts))
	err := s.TagEach(ctx, texts, o, func(_ int, t TaggedText) error {
		all = append(all, t)
		return nil
	})
	return all, err
}

// tagger makes entities of tags.
type tagger struct {
	m         *Model
	aggregate string
	schemed   bool // all classes have a prefix of a scheme, but for O
	pieces    bool // tokens that continue a word begin with ##
}

func newTagger(m *Model, aggregate string) *tagger {
	t := &tagger{m: m, aggregate: aggregate, schemed: len(m.answers.Classes) > 0}
	for _, class := range m.answers.Classes {
		prefix, _, ok := strings.Cut(class, "-")
		t.schemed = t.schemed && (class == outside || ok && len(prefix) == 1 && strings.Contains("BIESLU", prefix))
	}
	for _, c := range "aeinst" { // a vocabulary of WordPiece has at least one of them
		_, ok := m.tokenizer.ID("##" + string(c))
		t.pieces = t.pieces || ok
	}
	return t
}

// outside is the class of tokens that are in no entity.
const outside = "O"

// tagToken is a token of the text, or a word.
type tagToken struct {
	span          tokenizer.Span
	probabilities []float64
	class         int
	continues     bool // the word of the token before it
}

func (t *tagToken) choose() {
	t.class = 0
	for c, p := range t.probabilities {
		if p > t.probabilities[t.class] {
			t.class = c
		}
	}
}

func (t *tagToken) probability() float64 { return t.probabilities[t.class] }

// entities joins the tags of a text.
func (t *tagger) entities(text string, out outputs) []Tagged {
	tokens := t.tokens(text, out)
	if t.aggregate != "none" && t.aggregate != "simple" {
		tokens = t.words(tokens)
	}
	all := []Tagged{}
	last, joined, ended := outside, 0, true // name, tokens and state of the entity before
	for _, token := range tokens {
		class := t.m.className(token.class)
		prefix, name := t.split(class)
		if t.aggregate == "none" {
			name = class
		}
		begins := t.aggregate == "none" || ended || name != last || prefix == 'B' || prefix == 'S' || prefix == 'U'
		last, ended = name, prefix == 'E' || prefix == 'L' || prefix == 'S' || prefix == 'U'
		if class == outside {
			ended = true
			continue
		}
		if begins {
			all, joined = append(all, Tagged{From: int(token.span.From), Class: name}), 0
		}
		e := &all[len(all)-1]
		e.To = int(token.span.To)
		joined++
		e.Probability += (token.probability() - e.Probability) / float64(joined)
	}
	return all
}

// split cuts the prefix of a scheme from a class. A class without one is inside of an entity of its name.
func (t *tagger) split(class string) (prefix byte, name string) {
	if t.schemed && class != outside {
		return class[0], class[2:]
	}
	if strings.HasPrefix(class, "B-") || strings.HasPrefix(class, "I-") { // as transformers, whatever the other classes are
		return class[0], class[2:]
	}
	return 'I', class
}

// tokens are those of the text, each from the piece that keeps it.
func (t *tagger) tokens(text string, out outputs) (tokens []tagToken) {
	d := out.d
	unknown := t.m.tokenizer.Specials().Unknown
	last := -1
	for i, rows := range out.rows {
		for _, r := range d.kept(i) {
			for n := range r.n {
				at := r.token + n
				span := d.e.Offsets[at]
				inside := at >= d.from && at < d.to
				if !inside || span.From == span.To || last >= 0 && span == d.e.Offsets[last] {
					continue
				}
				token := tagToken{span: span, probabilities: softmax(rows.Row(r.row + n))}
				token.choose()
				token.continues = last >= 0 && t.continues(text, span, d.e.IDs[at], unknown)
				tokens, last = append(tokens, token), at
			}
		}
	}
	return tokens
}

// continues reports whether a token is not the first of its word.
func (t *tagger) continues(text string, span tokenizer.Span, id, unknown int32) bool {
	switch {
	case id == unknown:
		return false
	case t.pieces:
		return strings.HasPrefix(t.m.tokenizer.Token(id), "##") && !strings.HasPrefix(text[span.From:], "##")
	}
	return span.From > 0 && text[span.From-1] != ' ' && text[span.From] != ' '
}

// words joins the tokens of each word.
func (t *tagger) words(tokens []tagToken) (words []tagToken) {
	for from := 0; from < len(tokens); {
		to := from + 1
		for to < len(tokens) && tokens[to].continues {
			to++
		}
		words = append(words, t.word(tokens[from:to]))
		from = to
	}
	return words
}

// word is the token that stands for those of a word.
func (t *tagger) word(tokens []tagToken) tagToken {
	word := tokens[0]
	switch t.aggregate {
	case "max":
		for _, token := range tokens[1:] {
			if token.probability() > word.probability() {
				word = token
			}
		}
	case "average":
		word.probabilities = make([]float64, len(word.probabilities))
		for _, token := range tokens {
			for c, p := range token.probabilities {
				word.probabilities[c] += p / float64(len(tokens))
			}
		}
		word.choose()
	}
	word.span = tokenizer.Span{From: tokens[0].span.From, To: tokens[len(tokens)-1].span.To}
	return word
}
