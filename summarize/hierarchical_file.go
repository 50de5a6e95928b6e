package summarize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// The metadata of a file with a Hierarchical scorer, beside those of its features.
const (
	hierarchicalName = "longspan-summarize-hierarchical-1"
	specKey          = "encoder"   // a model.Spec
	tokenizerKey     = "tokenizer" // tokenizer.json
	shapeKey         = "sentences" // a SentencesConfig
	aloneKey         = "alone"     // meanOdds, of an encoder without features
)

// Save writes the scorer to a safetensors file. Matrices are rounded to bf16.
func (m *Hierarchical) Save(path string) error {
	spec, err := json.Marshal(m.encoder.Spec())
	if err != nil {
		return err
	}
	var words bytes.Buffer
	if err := m.encoder.Tokenizer().Save(&words); err != nil {
		return err
	}
	shape, err := json.Marshal(m.head.shape)
	if err != nil {
		return err
	}
	tensors, meta, err := m.features.tensors(m.Card)
	if err != nil {
		return err
	}
	for _, p := range m.params() {
		value := p.Value
		if value.Rows > 1 {
			value = tensor.New(tensor.BF16, p.Value.Rows, p.Value.Cols)
			if err := tensor.Convert(tensor.Exec{}, value, p.Value); err != nil {
				return err
			}
		}
		tensors = append(tensors, safetensors.Matrix(p.Name, value))
	}
	if m.alone != nil {
		text, err := json.Marshal(m.alone)
		if err != nil {
			return err
		}
		meta[aloneKey] = string(text)
	}
	meta[formatKey], meta[specKey], meta[tokenizerKey], meta[shapeKey] = hierarchicalName, string(spec), words.String(), string(shape)
	return safetensors.Save(path, tensors, meta)
}

// OpenHierarchical opens a scorer that Save has written.
func OpenHierarchical(path string) (*Hierarchical, error) { return openAs(path, hierarchicalOf) }

// hierarchicalOf reads a scorer. It computes in f32 whatever it was trained in.
func hierarchicalOf(f *safetensors.File) (*Hierarchical, error) {
	meta := f.Metadata()
	if meta[formatKey] != hierarchicalName {
		return nil, fmt.Errorf("found the format %q, expected %s", meta[formatKey], hierarchicalName)
	}
	m := &Hierarchical{features: &Features{}}
	if err := m.features.read(f); err != nil {
		return nil, err
	}
	m.Card = m.features.Card
	spec, err := encoderSpec(meta[specKey], f)
	if err != nil {
		return nil, fmt.Errorf("the encoder: %w", err)
	}
	words, err := tokenizer.Read(strings.NewReader(meta[tokenizerKey]))
	if err != nil {
		return nil, fmt.Errorf("the tokenizer: %w", err)
	}
	if words.Vocab() > spec.Vocab {
		return nil, fmt.Errorf("found a tokenizer of %d tokens for an encoder of %d", words.Vocab(), spec.Vocab)
	}
	if m.marks, err = marksOf(words); err != nil {
		return nil, err
	}
	if m.encoder, err = model.NewOf(spec, model.Options{Tokenizer: words}); err != nil {
		return nil, err
	}
	if text, ok := meta[aloneKey]; ok {
		m.alone = &meanOdds{}
		if err := json.Unmarshal([]byte(text), m.alone); err != nil {
			return nil, fmt.Errorf("the mean odds: %w", err)
		}
	}
	if m.head, err = headOf(meta[shapeKey], spec.Width, f); err != nil {
		return nil, err
	}
	for _, p := range m.params() {
		value, err := readFinite(f, p.Name, p.Value.Rows, p.Value.Cols)
		if err != nil {
			return nil, err
		}
		copy(p.Value.F32, value.F32)
	}
	return m, nil
}

// encoderSpec reads the encoder of a file, whose weights the file must have: so hostile files take no more memory than their size.
func encoderSpec(text string, f *safetensors.File) (spec model.Spec, err error) {
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return spec, err
	}
	spec.Precision = "f32"
	if spec.Kind != model.Encoder || spec.Head.Kind != model.Embed {
		return spec, fmt.Errorf("found a model of kind %s with the head %s, expected an encoder with the head embed", spec.Kind, spec.Head.Kind)
	}
	if err := checkEncoder(&spec); err != nil {
		return spec, err
	}
	dry, err := model.NewOf(spec, model.Options{Pool: tensor.NewDryPool()})
	if err != nil {
		return spec, err
	}
	if err := hasParams(f, dry.Params()); err != nil {
		return spec, err
	}
	return spec, dry.Close()
}

// hasParams refuses a file without tensors of the shapes of some weights.
func hasParams(f *safetensors.File, all []*tensor.Param) error {
	for _, p := range all {
		e, ok := f.Lookup(p.Name)
		if !ok {
			return fmt.Errorf("found no tensor %s", p.Name)
		}
		if r, c := e.Matrix(); r != p.Value.Rows || c != p.Value.Cols {
			return fmt.Errorf("found %s, expected %d×%d", e, p.Value.Rows, p.Value.Cols)
		}
	}
	return nil
}

// headOf makes the layers over the sentences of a file, whose weights the file must have.
func headOf(text string, width int, f *safetensors.File) (*sentenceHead, error) {
	var shape SentencesConfig
	if err := json.Unmarshal([]byte(text), &shape); err != nil {
		return nil, fmt.Errorf("the layers over the sentences: %w", err)
	}
	if err := shape.check(); err != nil {
		return nil, err
	}
	dry, err := newSentenceHead(width, shape, nn.ParamsOptions{Pool: tensor.NewDryPool()})
	if err != nil {
		return nil, err
	}
	if err := hasParams(f, dry.params.All()); err != nil {
		return nil, err
	}
	return newSentenceHead(width, shape, nn.ParamsOptions{})
}
