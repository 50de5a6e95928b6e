// Package post has the post-processors of a tokenizer.json: the special tokens around one text or two, and offsets without white space.
package post

import (
	"encoding/json"
	"fmt"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/component"
)

// Run is tokens side by side that come from one place.
type Run struct {
	IDs     []int32
	Offsets []aligned.Span // nil for special tokens, which have no place in a text
	Type    int32
	Text    int // 0 and 1 for the first and the second text, -1 for special tokens
}

// unit is what the library calls an encoding on its way: the runs that the next post-processor takes as one.
type unit []Run

// Processor is the post-processors of a file. It is immutable.
type Processor struct {
	// Trims are the passes that take white space off the offsets; each says whether a blank was put before a text.
	Trims []bool
	steps []step
	raw   json.RawMessage
}

// step changes the units.
type step func(units []unit, special bool) ([]unit, error)

// None is the processor of a file without one.
func None() *Processor { return &Processor{} }

// Raw is the component in the file, null where there is none.
func (p *Processor) Raw() json.RawMessage {
	if p.raw == nil {
		return json.RawMessage("null")
	}
	return p.raw
}

// Read reads a post-processor.
func Read(raw json.RawMessage) (*Processor, error) {
	p := &Processor{raw: raw}
	if len(raw) == 0 || string(raw) == "null" {
		return None(), nil
	}
	return p, p.read("post_processor", raw, 0)
}

func (p *Processor) read(path string, raw json.RawMessage, depth int) error {
	if depth > component.MaxDepth {
		return fmt.Errorf("the component %s: %w", path, component.ErrDepth)
	}
	f, err := component.Open(path, raw)
	if err != nil {
		return err
	}
	switch f.Type() {
	case "BertProcessing":
		p.steps = append(p.steps, readBert(f).process)
	case "ByteLevel":
		prefix := f.BoolOr("add_prefix_space", true)
		f.BoolOr("use_regex", true) // it matters to the pre-tokenizer alone
		if f.BoolOr("trim_offsets", true) {
			p.Trims = append(p.Trims, prefix)
		}
	case "RobertaProcessing":
		prefix := f.Bool("add_prefix_space")
		if f.Bool("trim_offsets") {
			p.Trims = append(p.Trims, prefix)
		}
		p.steps = append(p.steps, readRoberta(f).process)
	case "Sequence":
		for i, raw := range f.List("processors") {
			if err := p.read(fmt.Sprintf("%s.processors[%d]", path, i), raw, depth+1); err != nil {
				return err
			}
		}
	case "TemplateProcessing":
		t, err := readTemplate(f)
		if err != nil {
			return err
		}
		p.steps = append(p.steps, t.process)
	default:
		return f.Unknown("BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing")
	}
	return f.Done()
}

// Process puts special tokens around one text or two, where special is true.
func (p *Processor) Process(texts []Run, special bool) ([]Run, error) {
	units := make([]unit, len(texts))
	for i, t := range texts {
		units[i] = unit{t}
	}
	for _, s := range p.steps {
		var err error
		if units, err = s(units, special); err != nil {
			return nil, err
		}
	}
	var all []Run
	for _, u := range units {
		all = append(all, u...)
	}
	return all, nil
}

// tokens is a run of special tokens.
func tokens(typeID int32, ids ...int32) Run { return Run{IDs: ids, Type: typeID, Text: -1} }

// pairing is the special tokens around texts of BERT and RoBERTa: a beginning and an end, and an end behind each text.
type pairing struct {
	begin, end int32
	roberta    bool // an end before the second text too, and all types are 0
}

// named is a token's name and its id, as these components have them.
func named(f *component.Fields, key string) int32 {
	var pair []json.RawMessage
	var name string
	var id int32
	f.Into(key, &pair, `["name", id]`)
	if f.Err() == nil && (len(pair) != 2 || json.Unmarshal(pair[0], &name) != nil || json.Unmarshal(pair[1], &id) != nil || id < 0) {
		f.Fail(key, `is not of the form ["name", id]`)
	}
	return id
}

func readBert(f *component.Fields) pairing {
	return pairing{begin: named(f, "cls"), end: named(f, "sep")}
}

func readRoberta(f *component.Fields) pairing {
	return pairing{begin: named(f, "cls"), end: named(f, "sep"), roberta: true}
}

func (p pairing) process(units []unit, special bool) ([]unit, error) {
	if p.roberta {
		for _, u := range units {
			for i := range u {
				u[i].Type = 0
			}
		}
	}
	if !special {
		return units, nil
	}
	for i, u := range units {
		switch {
		case i == 0:
			units[i] = append(append(unit{tokens(0, p.begin)}, u...), tokens(0, p.end))
		case p.roberta:
			units[i] = append(append(unit{tokens(0, p.end)}, u...), tokens(0, p.end))
		default:
			units[i] = append(append(unit{}, u...), tokens(1, p.end))
		}
	}
	return units, nil
}

// IDs are all ids that a processor may put into a text.
func (p *Processor) IDs() (ids []int32) {
	for _, texts := range [][]Run{{{}}, {{}, {Text: 1}}} {
		runs, err := p.Process(texts, true)
		if err != nil {
			continue
		}
		for _, r := range runs {
			if r.Text < 0 {
				ids = append(ids, r.IDs...)
			}
		}
	}
	return ids
}
