package summarize

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// The metadata of a file with a model.
const (
	formatKey   = "format"
	formatName  = "longspan-summarize-features-2"
	featuresKey = "features" // their names, a line each
	cardKey     = "card"
	stepKey     = "frequency_step"
	frequencies = "frequencies"
	priorName   = "prior"
	meanName    = "mean"
	scaleName   = "scale"
	mostLayers  = 16
	mostWidth   = 1 << 16
	mostBudget  = 1 << 20
)

//go:embed model/features.safetensors
var embedded []byte

// Default returns the model that is embedded in the program. model/README.md says what it was made of.
func Default() (*Features, error) {
	return readFeatures(bytes.NewReader(embedded), int64(len(embedded)))
}

// OpenFeatures opens a model that Save has written.
func OpenFeatures(path string) (*Features, error) { return openAs(path, featuresOf) }

// openAs opens a file by a reader of one kind of scorer.
func openAs[T any](path string, read func(*safetensors.File) (T, error)) (m T, err error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return m, err
	}
	defer f.Close()
	if m, err = read(f); err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// scorerOf reads a scorer of any kind that a file has, with its frequencies of words.
func scorerOf(f *safetensors.File) (*Summarizer, error) {
	if f.Metadata()[formatKey] == hierarchicalName {
		m, err := hierarchicalOf(f)
		if err != nil {
			return nil, err
		}
		return &Summarizer{m, m.features.frequencies}, nil
	}
	m, err := featuresOf(f)
	if err != nil {
		return nil, err
	}
	return &Summarizer{m, m.frequencies}, nil
}

func readFeatures(r io.ReaderAt, size int64) (*Features, error) {
	f, err := safetensors.NewFile(r, size)
	if err != nil {
		return nil, err
	}
	return featuresOf(f)
}

// featureNames are the names of all features, a line each.
func featureNames() string {
	names := append([]string(nil), plainFeatures...)
	for _, c := range sectionClasses {
		names = append(names, "section "+c.name)
	}
	for _, c := range cues {
		names = append(names, strconv.Quote(c))
	}
	for _, k := range []*gramKind{termKind, pairKind} {
		for _, f := range slices.Concat(gramFeatures, k.extra) {
			names = append(names, k.name+" "+f)
		}
	}
	return strings.Join(names, "\n")
}

// Save writes the model to a safetensors file.
func (m *Features) Save(path string) error {
	tensors, meta, err := m.tensors(m.Card)
	if err != nil {
		return err
	}
	meta[formatKey] = formatName
	return safetensors.Save(path, tensors, meta)
}

// tensors are those of a model, and its metadata but for the format. A file with attention has them too.
func (m *Features) tensors(c Card) (tensors []safetensors.Tensor, meta map[string]string, err error) {
	card, err := json.Marshal(c)
	if err != nil {
		return nil, nil, err
	}
	tensors = []safetensors.Tensor{safetensors.Matrix(meanName, tensor.FromF32(m.mean, 1, FeatureCount)),
		safetensors.Matrix(scaleName, tensor.FromF32(m.scale, 1, FeatureCount)),
		safetensors.Raw(frequencies, safetensors.U8, []int{buckets}, m.frequencies.table[:])}
	for _, p := range m.network.params {
		tensors = append(tensors, safetensors.Matrix(p.Name, p.Value))
	}
	for _, w := range []*weigher{m.terms, m.pairs} {
		tensors = append(tensors, w.tensors()...)
	}
	return tensors, map[string]string{
		featuresKey: featureNames(), cardKey: string(card), stepKey: strconv.FormatFloat(m.frequencies.step, 'g', -1, 64),
	}, nil
}

// tensors are the tensors of a model of grams; their names start with that of the kind.
func (w *weigher) tensors() (all []safetensors.Tensor) {
	for _, p := range w.network.params {
		all = append(all, safetensors.Matrix(p.Name, p.Value))
	}
	width := w.kind.width()
	return append(all, safetensors.Matrix(w.kind.name+meanName, tensor.FromF32(w.mean, 1, width)),
		safetensors.Matrix(w.kind.name+scaleName, tensor.FromF32(w.scale, 1, width)),
		safetensors.Raw(w.kind.name+priorName, safetensors.U8, []int{len(w.prior)}, w.prior))
}

// readWeigher reads the model of a kind of grams.
func readWeigher(f *safetensors.File, k *gramKind) (*weigher, error) {
	w := &weigher{kind: k, network: &network{}}
	for name, to := range map[string]*[]float32{meanName: &w.mean, scaleName: &w.scale} {
		mat, err := readFinite(f, k.name+name, 1, k.width())
		if err != nil {
			return nil, err
		}
		*to = mat.F32
	}
	table, err := f.Bytes(k.name + priorName)
	if err != nil {
		return nil, err
	}
	if len(table) != k.buckets {
		return nil, fmt.Errorf("found %d of %s%s, expected %d", len(table), k.name, priorName, k.buckets)
	}
	w.prior = table
	return w, w.network.read(f, k.name, k.width())
}

// featuresOf reads the tensors of a model, all of which must fit each other.
func featuresOf(f *safetensors.File) (*Features, error) {
	if name := f.Metadata()[formatKey]; name != formatName {
		return nil, fmt.Errorf("found the format %q, expected %s or %s, which summarize train writes", name, formatName, hierarchicalName)
	}
	m := &Features{}
	return m, m.read(f)
}

// read reads what tensors gives.
func (m *Features) read(f *safetensors.File) error {
	meta := f.Metadata()
	if meta[featuresKey] != featureNames() {
		return errFeatures
	}
	m.frequencies = &Frequencies{}
	if err := json.Unmarshal([]byte(meta[cardKey]), &m.Card); err != nil {
		return fmt.Errorf("the card: %w", err)
	}
	step, err := strconv.ParseFloat(meta[stepKey], 64)
	if err != nil || !(step >= 0 && step < 1) {
		return fmt.Errorf("found %s %q, expected a number between 0 and 1", stepKey, meta[stepKey])
	}
	m.frequencies.step = step
	table, err := f.Bytes(frequencies)
	if err != nil {
		return err
	}
	if len(table) != buckets {
		return fmt.Errorf("found %d frequencies, expected %d", len(table), buckets)
	}
	copy(m.frequencies.table[:], table)
	for name, to := range map[string]*[]float32{meanName: &m.mean, scaleName: &m.scale} {
		mat, err := readFinite(f, name, 1, FeatureCount)
		if err != nil {
			return err
		}
		*to = mat.F32
	}
	if m.Card.Words < 1 || m.Card.Words > mostBudget {
		return fmt.Errorf("found a card with summaries of %d words, expected 1 to %d", m.Card.Words, mostBudget)
	}
	if m.terms, err = readWeigher(f, termKind); err != nil {
		return err
	}
	if m.pairs, err = readWeigher(f, pairKind); err != nil {
		return err
	}
	m.network = &network{}
	return m.network.read(f, "", FeatureCount)
}

// read reads the layers whose names start with prefix, from some features to one number.
func (n *network) read(f *safetensors.File, prefix string, features int) error {
	in := features
	for k := 1; k <= mostLayers; k++ {
		name := fmt.Sprintf("%slayer%d.weight", prefix, k)
		e, ok := f.Lookup(name)
		if !ok {
			return fmt.Errorf("found no %s, expected layers that end in one number", name)
		}
		out, _ := e.Matrix()
		if out < 1 || out > mostWidth {
			return fmt.Errorf("found %s, expected 1 to %d rows", e, mostWidth)
		}
		w, err := readFinite(f, name, out, in)
		if err != nil {
			return err
		}
		bias := fmt.Sprintf("%slayer%d.bias", prefix, k)
		b, err := readFinite(f, bias, 1, out)
		if err != nil {
			return err
		}
		n.add(name, w, false)
		n.add(bias, b, false)
		if in = out; out == 1 {
			return nil
		}
	}
	return fmt.Errorf("found more than %d layers, expected fewer", mostLayers)
}

// readFinite reads a matrix of a shape, whose numbers must be finite.
func readFinite(f *safetensors.File, name string, rows, cols int) (m tensor.Mat, err error) {
	e, ok := f.Lookup(name)
	if !ok {
		return m, fmt.Errorf("found no tensor %s", name)
	}
	if r, c := e.Matrix(); r != rows || c != cols {
		return m, fmt.Errorf("found %s, expected %d×%d", e, rows, cols)
	}
	m = tensor.New(tensor.F32, rows, cols)
	if err := f.ReadMat(m, name); err != nil {
		return m, err
	}
	for _, v := range m.F32 {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return m, fmt.Errorf("%s: found %g, expected finite numbers", name, v)
		}
	}
	return m, nil
}
