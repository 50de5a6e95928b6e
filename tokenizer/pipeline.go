package tokenizer

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/added"
	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/chars"
	"github.com/longspan/longspan/tokenizer/internal/decode"
	"github.com/longspan/longspan/tokenizer/internal/normalize"
	"github.com/longspan/longspan/tokenizer/internal/post"
	"github.com/longspan/longspan/tokenizer/internal/pretokenize"
	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// pipeline is a tokenizer.json at work. A text goes through added tokens, normalizer, pre-tokenizer, model and post-processor; ids go
// through the decoder. It is immutable but for the caches of the model.
type pipeline struct {
	file       object // the components as the file has them, without the model
	model      model
	normalizer normalize.Normalizer     // nil where there is none
	split      pretokenize.Pretokenizer // nil where there is none
	added      *added.Set
	post       *post.Processor
	decoder    *decode.Decoder
	ignored    []string

	local   bool     // a text has the tokens of the pieces that it is cut into before blanks and line ends
	spaces  []spaces // of each token's name, where the post-processor takes white space off
	writers *sync.Pool
}

// model is a model of a tokenizer.json with what is needed to write it again.
type model struct {
	*vocab.Vocab
	reader   func() reader
	options  object           // the component without its vocabulary and merges
	bulk     func(*modelFile) // fills in the vocabulary and the merges
	unknown  int32            // None where there is none
	verbatim bool             // the name of an unknown token is the text itself
}

// reader cuts pieces into tokens. It is for one goroutine.
type reader interface {
	Tokens(dst []vocab.Token, piece string) ([]vocab.Token, error)
}

// object is a JSON object whose values are not read yet.
type object map[string]json.RawMessage

// spaces is the white space at the ends of a token's name, in characters.
type spaces struct{ before, behind uint16 }

// spaceName is the character for a blank in the byte-level alphabet.
const spaceName = 'Ġ'

func spacesOf(name string) (s spaces) {
	table := chars.All()
	space := func(r rune) bool { return r == spaceName || table.Of(r)&chars.RustSpace != 0 }
	for rest := name; rest != "" && s.before < 1<<16-1; s.before++ {
		r, size := utf8.DecodeRuneInString(rest)
		if !space(r) {
			break
		}
		rest = rest[size:]
	}
	for rest := name; rest != "" && s.behind < 1<<16-1; s.behind++ {
		r, size := utf8.DecodeLastRuneInString(rest)
		if !space(r) {
			break
		}
		rest = rest[:len(rest)-size]
	}
	return s
}

// finish makes what follows from the components.
func (p *pipeline) finish() {
	if len(p.post.Trims) > 0 && p.spaces == nil {
		p.spaces = make([]spaces, len(p.model.Tokens))
		for id, name := range p.model.Tokens {
			p.spaces[id] = spacesOf(name)
		}
	}
	p.local = normalize.Local(p.normalizer) && pretokenize.Local(p.split) && !p.added.HasNormalized()
	p.writers = &sync.Pool{New: func() any { return &writer{p: p, reader: p.model.reader()} }}
}

// size is the number of ids.
func (p *pipeline) size() int { return max(len(p.model.Tokens), int(p.added.Top())+1) }

// token returns the name of an id, and false where no token has it.
func (p *pipeline) token(id int32) (string, bool) {
	if t, ok := p.added.ByID(id); ok {
		return t.Content, true
	}
	name := p.model.Token(id)
	return name, name != ""
}

// id returns the id of a name.
func (p *pipeline) id(name string) (int32, bool) {
	if t, ok := p.added.ByName(name); ok {
		return t.ID, true
	}
	return p.model.ID(name)
}

// special says whether an id is left out of decoded text.
func (p *pipeline) special(id int32) bool {
	t, ok := p.added.ByID(id)
	return ok && t.Special
}

// writer turns one text after another into tokens. What it makes on the way stays its own, so that texts leave little garbage.
type writer struct {
	p      *pipeline
	reader reader
	tokens []vocab.Token // of the last piece

	text    string
	ids     []int32
	offsets []aligned.Span
	err     error
}

// run returns the tokens of a text. They are valid until w runs again.
func (w *writer) run(text string) (post.Run, error) {
	room := len(text)/4 + 8
	w.text, w.ids, w.offsets, w.err = text, slices.Grow(w.ids[:0], room), slices.Grow(w.offsets[:0], room), nil
	w.p.added.Exact(aligned.Of(text, 0), w.found, w.between)
	w.text = ""
	return post.Run{IDs: w.ids, Offsets: w.offsets}, w.err
}

// pieceBytes is the least length of the pieces that a local pipeline normalizes. A normalized text has places for every byte, some 20 bytes
// for one of the text, which a long text as a whole would take at once.
const pieceBytes = 1 << 16

// between takes a text between added tokens.
func (w *writer) between(t aligned.Text) {
	for w.p.local && len(t.S) > pieceBytes {
		at := strings.IndexAny(t.S[pieceBytes:], " \n")
		if at < 0 {
			break
		}
		w.normalize(t.Slice(0, pieceBytes+at))
		t = t.Slice(pieceBytes+at, len(t.S))
	}
	w.normalize(t)
}

// normalize takes a text, or a piece of it.
func (w *writer) normalize(t aligned.Text) {
	if w.err != nil {
		return
	}
	if w.p.normalizer != nil {
		if t, w.err = w.p.normalizer.Apply(t); w.err != nil {
			return
		}
	}
	w.p.added.Normalized(t, w.found, w.split)
}

// split takes a normalized text between added tokens.
func (w *writer) split(t aligned.Text) {
	switch {
	case w.err != nil:
	case w.p.split == nil:
		w.piece(t)
	default:
		if err := w.p.split.Split(t, w.piece); err != nil && w.err == nil {
			w.err = err
		}
	}
}

// piece takes a piece for the model.
func (w *writer) piece(t aligned.Text) {
	if w.err != nil {
		return
	}
	if w.tokens, w.err = w.reader.Tokens(w.tokens[:0], t.S); w.err != nil {
		return
	}
	for _, token := range w.tokens {
		span := t.Span(int(token.From), int(token.To))
		if w.p.spaces != nil {
			s := w.p.spaces[token.ID]
			if w.p.model.verbatim && token.ID == w.p.model.unknown {
				s = spacesOf(t.S[token.From:token.To])
			}
			span = w.trim(span, s)
		}
		w.ids = append(w.ids, token.ID)
		w.offsets = append(w.offsets, span)
	}
}

// found takes an added token.
func (w *writer) found(token added.Token, t aligned.Text) {
	span := t.Span(0, len(t.S))
	if w.p.spaces != nil {
		span = w.trim(span, spacesOf(t.S))
	}
	w.ids = append(w.ids, token.ID)
	w.offsets = append(w.offsets, span)
}

// trim takes the white space of a token's name off its place, once for each post-processor that does. A single blank at the beginning of
// the text may be one that was put there: it stays, since the text does not have it.
func (w *writer) trim(span aligned.Span, s spaces) aligned.Span {
	if s == (spaces{}) {
		return span
	}
	for _, prefix := range w.p.post.Trims {
		first := len(w.ids) == 0 || span.From == 0
		if n := int(s.before); n > 0 && !(first && prefix && n == 1) {
			span.From = w.forward(span.From, n, span.To)
		}
		if to, ok := w.back(span.To, int(s.behind)); ok {
			span.To = max(to, span.From)
		}
	}
	return span
}

// forward is n characters behind a byte, limit at most.
func (w *writer) forward(at int32, n int, limit int32) int32 {
	for ; n > 0 && at < limit; n-- {
		_, size := utf8.DecodeRuneInString(w.text[at:])
		at += int32(size)
	}
	return min(at, limit)
}

// back is n characters before a byte. ok is false where the text does not have so many.
func (w *writer) back(at int32, n int) (to int32, ok bool) {
	for ; n > 0; n-- {
		if at == 0 {
			return 0, false
		}
		_, size := utf8.DecodeLastRuneInString(w.text[:at])
		at -= int32(size)
	}
	return at, true
}

// encode returns the tokens of one text or two.
func (p *pipeline) encode(texts []string, special bool) (Encoding, error) {
	runs := make([]post.Run, len(texts))
	for i, text := range texts {
		w := p.writers.Get().(*writer)
		defer p.writers.Put(w) // join has copied its tokens by then
		run, err := w.run(text)
		if err != nil {
			return Encoding{}, err
		}
		run.Type, run.Text = int32(i), i
		runs[i] = run
	}
	runs, err := p.post.Process(runs, special)
	if err != nil {
		return Encoding{}, err
	}
	return join(runs), nil
}

// join makes one encoding of runs.
func join(runs []post.Run) Encoding {
	size, types, special := 0, false, false
	for _, r := range runs {
		size += len(r.IDs)
		types = types || r.Type != 0
		special = special || r.Text < 0
	}
	e := Encoding{IDs: make([]int32, 0, size), Offsets: make([]Span, 0, size)}
	if types {
		e.TypeIDs = make([]int32, 0, size)
	}
	if special {
		e.Special = make([]bool, 0, size)
	}
	for _, r := range runs {
		from := len(e.IDs)
		e.IDs = append(e.IDs, r.IDs...)
		e.Offsets = append(e.Offsets, make([]Span, len(r.IDs))...)
		for i, s := range r.Offsets {
			e.Offsets[from+i] = Span(s)
		}
		for range r.IDs {
			if types {
				e.TypeIDs = append(e.TypeIDs, r.Type)
			}
			if special {
				e.Special = append(e.Special, r.Text < 0)
			}
		}
		if r.Text >= 0 {
			e.Texts[r.Text] = Span{int32(from), int32(len(e.IDs))}
		}
	}
	return e
}
