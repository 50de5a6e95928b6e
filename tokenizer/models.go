package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/longspan/longspan/tokenizer/internal/bpe"
	"github.com/longspan/longspan/tokenizer/internal/component"
	"github.com/longspan/longspan/tokenizer/internal/scan"
	"github.com/longspan/longspan/tokenizer/internal/unigram"
	"github.com/longspan/longspan/tokenizer/internal/vocab"
	"github.com/longspan/longspan/tokenizer/internal/wordlevel"
	"github.com/longspan/longspan/tokenizer/internal/wordpiece"
)

// modelFile is the model component of a file: its vocabulary and merges, which are large, and its other keys.
type modelFile struct {
	options object
	vocab   *vocab.Vocab // nil for Unigram
	pieces  []string     // of Unigram
	scores  []float64    // of Unigram
	merges  []bpe.Merge  // of BPE, nil where the file has none
	late    []byte       // merges that stand before the vocabulary
}

// readModel reads the component in one pass.
func readModel(s *scan.Scanner) (*modelFile, error) {
	m := &modelFile{options: object{}}
	if s.Kind() != '{' {
		raw, err := s.Raw()
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("the component model is %s; expected an object", component.Show(raw))
	}
	err := s.Object(func(key []byte) error {
		switch name := string(key); {
		case name == "vocab" && s.Kind() == '[':
			return m.readPieces(s)
		case name == "vocab":
			return m.readVocab(s)
		case name == "merges" && m.vocab == nil:
			raw, err := s.Raw()
			m.late = raw
			return err
		case name == "merges":
			return m.readMerges(s)
		default:
			raw, err := s.Raw()
			m.options[name] = bytes.Clone(raw)
			return err
		}
	})
	if err == nil && m.late != nil && m.vocab != nil {
		err = m.readMerges(scan.New(m.late))
		m.late = nil
	}
	return m, err
}

func (m *modelFile) readPieces(s *scan.Scanner) (err error) {
	m.pieces, m.scores, err = unigram.ReadVocab(s)
	if err == nil && m.pieces == nil {
		m.pieces = []string{}
	}
	return err
}

func (m *modelFile) readVocab(s *scan.Scanner) (err error) {
	if s.Kind() != '{' {
		raw, err := s.Raw()
		if err != nil {
			return err
		}
		return fmt.Errorf("the component model.vocab is %s; expected an object with the id of each token", component.Show(raw))
	}
	m.vocab, err = vocab.Read(s)
	return err
}

// readMerges reads the merges, each of the form "a b" or ["a", "b"].
func (m *modelFile) readMerges(s *scan.Scanner) error {
	m.merges = []bpe.Merge{}
	return s.Array(func() error {
		var pair bpe.Merge
		var err error
		if s.Kind() == '[' {
			pair, err = m.readPair(s)
		} else {
			pair, err = m.readLine(s)
		}
		if err != nil {
			return fmt.Errorf("the merge %d of the model BPE: %w", len(m.merges), err)
		}
		if pair.Left >= 0 {
			m.merges = append(m.merges, pair)
		}
		return nil
	})
}

func (m *modelFile) readPair(s *scan.Scanner) (pair bpe.Merge, err error) {
	n := 0
	err = s.Array(func() error {
		token, err := s.Bytes()
		if err != nil {
			return err
		}
		id, err := m.part(token)
		if n == 0 {
			pair.Left = id
		} else {
			pair.Right = id
		}
		n++
		return err
	})
	if err == nil && n != 2 {
		err = fmt.Errorf("%d tokens; expected 2", n)
	}
	return pair, err
}

// readLine reads the old form. A line of the version, as in merges.txt, is none; it has negative ids.
func (m *modelFile) readLine(s *scan.Scanner) (pair bpe.Merge, err error) {
	line, err := s.Bytes()
	if err != nil {
		return pair, err
	}
	if bytes.HasPrefix(line, []byte("#version")) {
		return bpe.Merge{Left: -1}, nil
	}
	left, right, ok := bytes.Cut(line, []byte(" "))
	if !ok || bytes.IndexByte(right, ' ') >= 0 {
		return pair, fmt.Errorf("%q; expected two tokens with a blank between them", line)
	}
	if pair.Left, err = m.part(left); err == nil {
		pair.Right, err = m.part(right)
	}
	return pair, err
}

func (m *modelFile) part(token []byte) (int32, error) {
	id, ok := m.vocab.IDs[string(token)]
	if !ok {
		return 0, fmt.Errorf("%q is not in the vocabulary", token)
	}
	return id, nil
}

// kind is the type of the model. Files of the library's first versions have none: it follows from the keys.
func (m *modelFile) kind() (string, error) {
	if raw, ok := m.options["type"]; ok {
		var name string
		if json.Unmarshal(raw, &name) != nil {
			return "", fmt.Errorf("the component model has the type %s; expected BPE, Unigram, WordLevel or WordPiece", component.Show(raw))
		}
		return name, nil
	}
	switch _, prefix := m.options["continuing_subword_prefix"]; {
	case m.merges != nil || m.late != nil:
		return "BPE", nil
	case m.pieces != nil:
		return "Unigram", nil
	case prefix:
		return "WordPiece", nil
	case m.vocab != nil:
		return "WordLevel", nil
	}
	return "", errors.New("the component model has no type; expected BPE, Unigram, WordLevel or WordPiece")
}

// build makes the model. raw says that its pieces are bytes which the vocabulary has in the byte-level alphabet; the model may refuse it.
func (m *modelFile) build(raw bool) (built model, isRaw bool, err error) {
	kind, err := m.kind()
	if err != nil {
		return model{}, false, err
	}
	left := object{}
	for key, value := range m.options {
		if key != "type" {
			left[key] = value
		}
	}
	f := component.Of("model", kind, left)
	switch kind {
	case "BPE":
		built, isRaw, err = m.buildBPE(f, raw)
	case "Unigram":
		built, err = m.buildUnigram(f)
	case "WordLevel":
		built, err = m.buildWordLevel(f)
	case "WordPiece":
		built, err = m.buildWordPiece(f)
	default:
		return model{}, false, fmt.Errorf("the component model has the type %q, which is not known; expected BPE, Unigram, WordLevel or "+
			"WordPiece", kind)
	}
	if err == nil {
		err = f.Done()
	}
	built.options = m.options
	return built, isRaw, err
}

var errNoVocab = errors.New("the component model.vocab is missing; expected an object with the id of each token")

func (m *modelFile) buildBPE(f *component.Fields, raw bool) (model, bool, error) {
	switch {
	case m.vocab == nil:
		return model{}, false, errNoVocab
	case m.merges == nil:
		return model{}, false, errors.New("the component model.merges is missing; expected an array of merges")
	}
	options := bpe.ReadOptions(f)
	if err := f.Err(); err != nil {
		return model{}, false, err
	}
	b, err := bpe.New(m.vocab, m.merges, options)
	if err != nil {
		return model{}, false, fmt.Errorf("the component model: %w", err)
	}
	raw = raw && b.Raw()
	return model{Vocab: m.vocab, reader: func() reader { return b.NewReader() }, unknown: idOr(m.vocab, options.Unknown, options.HasUnknown),
		bulk: func(to *modelFile) { to.vocab, to.merges = m.vocab, b.Pairs() }}, raw, nil
}

// idOr is the id of a name, None where there is none.
func idOr(v *vocab.Vocab, name string, has bool) int32 {
	if id, ok := v.IDs[name]; ok && has {
		return id
	}
	return None
}

func (m *modelFile) buildUnigram(f *component.Fields) (model, error) {
	if m.pieces == nil {
		return model{}, errors.New("the component model.vocab is missing; expected an array of tokens with their scores")
	}
	unknown := unigram.None
	if f.Has("unk_id") {
		f.Into("unk_id", &unknown, "a whole number")
		if unknown < 0 {
			f.Fail("unk_id", "is %d; expected 0 or more", unknown)
		}
	}
	f.Raw("unk_id")
	fallback := f.BoolOr("byte_fallback", false)
	if err := f.Err(); err != nil {
		return model{}, err
	}
	u, err := unigram.New(m.pieces, m.scores, unknown, fallback)
	if err != nil {
		return model{}, fmt.Errorf("the component model: %w", err)
	}
	return model{Vocab: u.Vocab, reader: func() reader { return u.NewReader() }, unknown: unknown, verbatim: true,
		bulk: func(to *modelFile) { to.pieces, to.scores = u.Tokens, u.Scores }}, nil
}

func (m *modelFile) buildWordLevel(f *component.Fields) (model, error) {
	if m.vocab == nil {
		return model{}, errNoVocab
	}
	w := &wordlevel.Model{Vocab: m.vocab, Unknown: f.String("unk_token")}
	return model{Vocab: m.vocab, reader: func() reader { return w }, unknown: idOr(m.vocab, w.Unknown, true),
		bulk: func(to *modelFile) { to.vocab = m.vocab }}, nil
}

func (m *modelFile) buildWordPiece(f *component.Fields) (model, error) {
	if m.vocab == nil {
		return model{}, errNoVocab
	}
	w := wordpiece.New(m.vocab, wordpiece.ReadOptions(f))
	return model{Vocab: m.vocab, reader: func() reader { return w }, unknown: idOr(m.vocab, w.Unknown, true),
		bulk: func(to *modelFile) { to.vocab = m.vocab }}, nil
}
