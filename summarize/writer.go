package summarize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/document"
	"github.com/longspan/longspan/document/sentences"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/sampling/beam"
	"github.com/longspan/longspan/tensor"
)

// Writer writes summaries with an encoder-decoder, such as LED, BART or T5: the text that a beam search finds. The settings of the search
// are those of the model's files, with those of the task summarization of config.json over them.
//
// A document is read whole. One of more tokens than the model reads at once is read in pieces that overlap, and its summary is those of the
// pieces, one after another.
type Writer struct {
	model    *model.Model
	o        WriterOptions
	settings beam.Settings
	prefix   string
	piece    int // most tokens of a source; 0: no limit
}

// WriterOptions set how a Writer reads and writes. The zero value does as the model's files say.
type WriterOptions struct {
	// Settings changes the settings of the search. Nil: they stay.
	Settings func(*beam.Settings)
	Tokens   int     // largest number of tokens of a summary; 0: that of the files, or model.DefaultTokens
	Prefix   *string // text before each piece; nil: that of the files, such as "summarize: " of T5
	Chunk    int     // most tokens of a piece, with special tokens and the prefix; 0: as many as the model has positions
	Overlap  int     // least number of tokens that neighbouring pieces share; 0: a sixteenth of a piece
	Threads  int     // 0: all processors
}

// summarization is the name of the task in the files of a model.
const summarization = "summarization"

// NewWriter makes a Writer of an encoder-decoder, which it does not close. It returns an error for other models, for a model without a
// tokenizer, for settings that the search refuses, and for pieces that the model cannot read.
func NewWriter(m *model.Model, o WriterOptions) (*Writer, error) {
	s := m.Spec()
	switch {
	case s.Kind != model.EncoderDecoder || s.Head.Kind != model.LM:
		return nil, fmt.Errorf("found a model of kind %s with the head %s, expected an encoder-decoder with the head lm, such as BART or LED",
			s.Kind, s.Head.Kind)
	case m.Tokenizer() == nil:
		return nil, errors.New("found an encoder-decoder without a tokenizer, which reads no text; add its tokenizer.json to the folder")
	case o.Tokens < 0 || o.Chunk < 0 || o.Overlap < 0:
		return nil, fmt.Errorf("found %d tokens of a summary, %d of a piece and %d that pieces share, expected 0 or more", o.Tokens, o.Chunk,
			o.Overlap)
	}
	w := &Writer{model: m, o: o, piece: s.MaxSource()}
	if o.Chunk > 0 {
		if w.piece > 0 && o.Chunk > w.piece {
			return nil, fmt.Errorf("found pieces of %d tokens, expected at most %d, the positions of the model", o.Chunk, w.piece)
		}
		w.piece = o.Chunk
	}
	var err error
	if w.settings, w.prefix, err = m.SearchSettings(summarization); err != nil {
		return nil, err
	}
	if o.Prefix != nil {
		w.prefix = *o.Prefix
	}
	if o.Settings != nil {
		o.Settings(&w.settings)
	}
	switch {
	case o.Tokens > 0:
		w.settings.MaxNew = o.Tokens
	case !w.settings.LengthOf:
		w.settings.MaxNew = model.DefaultTokens
	}
	return w, w.settings.Check(s.Vocab)
}

// Settings are those of the search.
func (w *Writer) Settings() beam.Settings { return w.settings }

// Written is a summary that a model has written.
type Written struct {
	Name   string        `json:"name"`
	Title  string        `json:"title,omitempty"`
	Text   string        `json:"text"` // of all pieces, a line each
	Words  int           `json:"words"`
	Read   WrittenRead   `json:"read"`
	Pieces []WrittenPart `json:"pieces"`
	Prefix string        `json:"prefix,omitempty"` // before each piece
	Notes  []string      `json:"notes,omitempty"`
}

// WrittenRead is what was read of the document: all of it.
type WrittenRead struct {
	Bytes  int64 `json:"bytes"`
	Words  int   `json:"words"`
	Tokens int   `json:"tokens"` // of the text, each once
	Pieces int   `json:"pieces"`
}

// WrittenPart is the summary of a piece of the document.
type WrittenPart struct {
	From  int     `json:"from"` // tokens of the text [From, To)
	To    int     `json:"to"`
	Text  string  `json:"text"`
	Ended bool    `json:"ended"` // by the model; otherwise it has the largest number of tokens
	Score float64 `json:"score"` // of the search
	Beams int     `json:"beams"`
}

// Sentences are those of the text.
func (w *Written) Sentences() (all []string) {
	for _, p := range w.Pieces {
		for _, s := range sentences.Split(p.Text, sentences.Options{}) {
			all = append(all, p.Text[s.From:s.To])
		}
	}
	return all
}

// Source is a document as a Writer reads it.
type Source struct {
	document *document.Document
	words    int
	tokens   int     // of the text
	pieces   []piece // at least one
	first    []int32 // tokens that begin the target
}

// Longest is the number of tokens of the longest piece, with special tokens and the prefix.
func (s *Source) Longest() (n int) {
	for _, p := range s.pieces {
		n = max(n, len(p.ids))
	}
	return n
}

// First is the number of tokens that the search continues.
func (s *Source) First() int { return len(s.first) }

// Read encodes a document, and cuts it into pieces where it is longer than the model reads at once. It returns an error for a document
// without text, and where a piece has no room beside the special tokens and the prefix. Cost: linear in the document.
func (w *Writer) Read(d *document.Document) (*Source, error) {
	text := plainText(d)
	if text == "" {
		return nil, fmt.Errorf("%s: found no text, %s", d.Name, blockCount(d))
	}
	e, err := w.model.Tokenizer().EncodeDocument(w.prefix + text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	pieces, err := w.cut(e, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	s := &Source{document: d, words: sentences.Words(text), pieces: pieces, tokens: pieces[len(pieces)-1].to}
	if s.first, err = w.model.TargetStart(); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	return s, nil
}

// plainText is the text of a document: its title, unless it begins with it, and its blocks, a line each.
func plainText(d *document.Document) string {
	var lines []string
	for _, b := range d.Blocks {
		if line := document.Clean(b.Text); line != "" {
			lines = append(lines, line)
		}
	}
	if title := document.Clean(d.Title); title != "" && len(lines) > 0 && lines[0] != title {
		lines = slices.Insert(lines, 0, title)
	}
	return strings.Join(lines, "\n")
}

// Write writes the summary of a document. progress is told of the new tokens of all pieces and the largest number of them; nil: nobody is.
// When ctx is done it returns ctx's error.
func (w *Writer) Write(ctx context.Context, s *Source, pool *tensor.Pool, progress func(done, most int)) (*Written, error) {
	d := s.document
	r := &Written{Name: d.Name, Title: d.Title, Prefix: w.prefix, Notes: slices.Clone(d.Notes),
		Read: WrittenRead{d.Size, s.words, s.tokens, len(s.pieces)}}
	for _, n := range w.settings.Notes {
		r.Notes = append(r.Notes, "the model's files say, and a search does not follow: "+n)
	}
	session := w.model.NewSession(tensor.Exec{Threads: w.o.Threads, Pool: pool})
	var texts []string
	for i, p := range s.pieces {
		found, err := session.Search(ctx, model.Prompt{Source: p.ids, Tokens: s.first}, w.settings.Config, func(tokens, longest int) error {
			if progress != nil {
				progress(i*longest+tokens, len(s.pieces)*longest)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		best := found[0]
		text := strings.TrimSpace(best.Text)
		r.Pieces = append(r.Pieces, WrittenPart{p.from, p.to, text, best.Ended, best.Score, w.settings.Beams})
		texts = append(texts, text)
	}
	r.Text = strings.Join(texts, "\n")
	r.Words = sentences.Words(r.Text)
	w.tell(r, s)
	return r, nil
}

// tell adds the notes of how the document was read and the summary written.
func (w *Writer) tell(r *Written, s *Source) {
	if n := len(s.pieces); n > 1 {
		r.Notes = append(r.Notes, fmt.Sprintf("the text has %d tokens, and a piece at most %d: it was read in %d pieces that overlap, and the "+
			"summary is those of the pieces, one after another", s.tokens, w.piece, n))
	}
	open, blank, empty := 0, 0, 0
	for _, p := range r.Pieces {
		switch {
		case p.Ended && p.Text == "":
			empty++
		case p.Text == "":
			blank++
			open++
		case !p.Ended:
			open++
		}
	}
	for _, n := range []struct {
		texts int
		what  string
	}{
		{open, fmt.Sprintf("have as many tokens as allowed, %d, and no end; allow more", w.settings.Longest(len(s.first)))},
		{blank, "have no words: the model wrote special tokens or spaces alone"},
		{empty, "are empty: the model ended them without a word"},
	} {
		if n.texts > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%d of %d texts %s", n.texts, len(r.Pieces), n.what))
		}
	}
}
