// Package decode has the decoders of a tokenizer.json, which turn names of tokens into text. Each is a machine that takes one token at
// a time and withholds what the next tokens may still change. So a text that is decoded at once and one that is decoded token by token
// are the same.
package decode

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/longspan/longspan/tokenizer/internal/component"
)

// stage is one decoder at work.
type stage interface {
	push(token string, out func(string)) // takes a token
	end(out func(string))                // gives what is withheld, and begins another text
}

// Decoder makes the stages of a file's decoder. It is immutable.
type Decoder struct {
	stages []func() stage
	text   bool // what comes out is parts of one text, not tokens
}

// Plain is the decoder of a file without one: it puts a blank between tokens.
func Plain() *Decoder { return &Decoder{stages: []func() stage{func() stage { return &separated{} }}} }

// Read reads a decoder.
func Read(raw json.RawMessage) (*Decoder, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return Plain(), nil
	}
	d := new(Decoder)
	return d, d.read("decoder", raw, 0)
}

// CleanUp returns the decoder with transformers' clean_up_tokenization_spaces behind it.
func (d *Decoder) CleanUp() *Decoder {
	with := &Decoder{stages: append([]func() stage{}, d.stages...), text: true}
	with.add(func() stage { return &cleaner{} })
	return with
}

func (d *Decoder) add(make func() stage) { d.stages = append(d.stages, make) }

// tokens makes one token of a text that comes in parts.
func (d *Decoder) tokens() {
	if d.text {
		d.add(func() stage { return &joined{} })
		d.text = false
	}
}

func (d *Decoder) read(path string, raw json.RawMessage, depth int) error {
	if depth > component.MaxDepth {
		return fmt.Errorf("the component %s: %w", path, component.ErrDepth)
	}
	f, err := component.Open(path, raw)
	if err != nil {
		return err
	}
	switch f.Type() {
	case "Sequence":
		for i, raw := range f.List("decoders") {
			if err := d.read(fmt.Sprintf("%s.decoders[%d]", path, i), raw, depth+1); err != nil {
				return err
			}
		}
		return f.Done()
	case "Fuse":
		d.text = true
		return f.Done()
	case "Strip":
		d.readStrip(f)
		return f.Done()
	}
	d.tokens()
	switch f.Type() {
	case "BPEDecoder":
		suffix := f.StringOr("suffix", "</w>")
		d.add(func() stage { return &suffixed{suffix: suffix} })
	case "ByteFallback":
		d.add(func() stage { return &byteFallback{} })
	case "ByteLevel":
		for _, key := range []string{"add_prefix_space", "trim_offsets", "use_regex"} {
			f.BoolOr(key, true) // they matter to other components of this type
		}
		d.add(func() stage { return &byteLevel{} })
		d.text = true
	case "CTC":
		d.readCTC(f)
	case "Metaspace":
		d.readMetaspace(f)
	case "Replace":
		d.readReplace(f)
	case "WordPiece":
		prefix, cleanup := f.String("prefix"), f.Bool("cleanup")
		d.add(func() stage { return &wordPiece{prefix: prefix, cleanup: cleanup} })
	default:
		return f.Unknown("BPEDecoder", "ByteFallback", "ByteLevel", "CTC", "Fuse", "Metaspace", "Replace", "Sequence", "Strip", "WordPiece")
	}
	return f.Done()
}

// Stream decodes one text. It is for one goroutine.
type Stream struct {
	stages []stage
	outs   []func(string) // outs[i] takes what stage i gives
	text   strings.Builder
}

// Start returns a stream at the beginning of a text.
func (d *Decoder) Start() *Stream {
	s := &Stream{stages: make([]stage, len(d.stages)), outs: make([]func(string), len(d.stages))}
	out := func(part string) { s.text.WriteString(part) }
	for i := len(d.stages) - 1; i >= 0; i-- {
		stage := d.stages[i]()
		s.stages[i], s.outs[i] = stage, out
		next := out
		out = func(token string) { stage.push(token, next) }
	}
	s.outs = append(s.outs, out)
	return s
}

// Push takes the name of a token.
func (s *Stream) Push(token string) { s.outs[len(s.outs)-1](token) }

// Take returns the text since the last call.
func (s *Stream) Take() string {
	text := s.text.String()
	s.text.Reset()
	return text
}

// End ends the text, and returns the rest of it. The stream may then begin another.
func (s *Stream) End() string {
	for i, stage := range s.stages {
		stage.end(s.outs[i])
	}
	return s.Take()
}
