package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// order is the order of the keys that the library writes.
var order = strings.Fields(`type dropout unk_token unk_id continuing_subword_prefix max_input_chars_per_word end_of_word_suffix
	fuse_unk byte_fallback ignore_merges`)

// MarshalJSON writes the component.
func (m *modelFile) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, key := range order {
		if value, ok := m.options[key]; ok {
			fmt.Fprintf(&b, "%q:%s,", key, value)
		}
	}
	b.WriteString(`"vocab":`)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	switch {
	case m.vocab != nil:
		if err := m.writeVocab(&b, e); err != nil {
			return nil, err
		}
	default:
		if err := m.writePieces(&b, e); err != nil {
			return nil, err
		}
	}
	if m.merges != nil {
		b.WriteString(`,"merges":[`)
		for i, pair := range m.merges {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := e.Encode([2]string{m.vocab.Tokens[pair.Left], m.vocab.Tokens[pair.Right]}); err != nil {
				return nil, err
			}
		}
		b.WriteByte(']')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (m *modelFile) writeVocab(b *bytes.Buffer, e *json.Encoder) error {
	b.WriteByte('{')
	for i, id := range m.vocab.Sorted() {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(m.vocab.Tokens[id]); err != nil {
			return err
		}
		fmt.Fprintf(b, ":%d", id)
	}
	b.WriteByte('}')
	return nil
}

func (m *modelFile) writePieces(b *bytes.Buffer, e *json.Encoder) error {
	b.WriteByte('[')
	for id, piece := range m.pieces {
		if id > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode([]any{piece, m.scores[id]}); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}
