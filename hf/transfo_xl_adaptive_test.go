package hf_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/hf"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// adaptiveFolder is a Transformer-XL with an adaptive vocabulary: the layers of the golden transfo_xl with drawn tensors of the vocabulary.
type adaptiveFolder struct {
	dir     string
	cutoffs []int // the vocabulary is the last
	width   int   // of the vectors of the first cluster
	div     int
	tensors map[string]tensor.Mat
}

// adaptiveSettings are the keys of config.json that the tests vary, and what is left out of the file since it is tied.
type adaptiveSettings struct {
	name       string
	cutoffs    []int
	width, div int
	tied       bool
	tieProjs   []bool // nil: absent
	share      any    // proj_share_all_but_first; nil: absent
	twins      bool   // the file has second names too
}

const transfoXLVocab, transfoXLWidth = 89, 32

func newAdaptiveFolder(t *testing.T, s adaptiveSettings) *adaptiveFolder {
	t.Helper()
	f := &adaptiveFolder{dir: t.TempDir(), cutoffs: append(slices.Clone(s.cutoffs), transfoXLVocab), width: s.width, div: s.div,
		tensors: map[string]tensor.Mat{}}
	f.draw(s)
	f.write(t, s)
	return f
}

// features is the number of features of the vectors of cluster i.
func (f *adaptiveFolder) features(i int) int {
	return f.width / int(math.Pow(float64(f.div), float64(i)))
}

// draw makes the tensors of the vocabulary.
func (f *adaptiveFolder) draw(s adaptiveSettings) {
	r := data.NewRandom(5, 0)
	add := func(name string, rows, cols int) {
		m := tensor.New(tensor.F32, rows, cols)
		for i := range m.F32 {
			m.F32[i] = float32(r.Float64() - 0.5)
		}
		f.tensors[name] = m
	}
	from := 0
	for i, to := range f.cutoffs {
		tables, project := i, s.div > 1 || s.width != transfoXLWidth
		if s.div == 1 {
			from, to, tables = 0, transfoXLVocab, 0
		}
		add(fmt.Sprintf("transformer.word_emb.emb_layers.%d.weight", tables), to-from, f.features(i))
		add(fmt.Sprintf("crit.out_layers.%d.weight", tables), to-from, f.features(i))
		add(fmt.Sprintf("crit.out_layers.%d.bias", tables), 1, to-from)
		if project {
			add(fmt.Sprintf("transformer.word_emb.emb_projs.%d", tables), transfoXLWidth, f.features(i))
			add(fmt.Sprintf("crit.out_projs.%d", i), transfoXLWidth, f.features(i))
		}
		from = to
	}
	if n := len(f.cutoffs) - 1; n > 0 {
		add("crit.cluster_weight", n, s.width)
		add("crit.cluster_bias", 1, n)
	}
	for i := range f.cutoffs {
		tables := i
		if s.div == 1 {
			tables = 0
		}
		if s.tied {
			f.tie(fmt.Sprintf("crit.out_layers.%d.weight", tables), fmt.Sprintf("transformer.word_emb.emb_layers.%d.weight", tables))
		}
		if i < len(s.tieProjs) && s.tieProjs[i] || s.tieProjs == nil && s.share != false && i > 0 {
			f.tie(fmt.Sprintf("crit.out_projs.%d", i), fmt.Sprintf("transformer.word_emb.emb_projs.%d", tables))
		}
	}
}

// tie gives a tensor the numbers of another.
func (f *adaptiveFolder) tie(name, of string) {
	if m, ok := f.tensors[of]; ok {
		f.tensors[name] = m
	}
}

// write writes the folder. Of tied tensors it has the first name, unless twins are asked for.
func (f *adaptiveFolder) write(t *testing.T, s adaptiveSettings) {
	t.Helper()
	golden, err := safetensors.Open(filepath.Join(goldenDir, "transfo_xl", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	var all []safetensors.Tensor
	for _, e := range golden.Entries() {
		if strings.HasPrefix(e.Name, "transformer.layers.") {
			b, err := golden.Bytes(e.Name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, safetensors.Raw(e.Name, e.DType, e.Shape, b))
		}
	}
	written := map[*float32]bool{}
	names := slices.Sorted(maps.Keys(f.tensors))
	slices.Reverse(names) // transformer. before crit.
	for _, name := range names {
		m := f.tensors[name]
		shape := []int{m.Rows, m.Cols}
		if strings.HasSuffix(name, "bias") {
			shape = shape[1:]
		}
		if s.twins || !written[&m.F32[0]] {
			all = append(all, safetensors.Shaped(name, m, shape...))
		}
		written[&m.F32[0]] = true
	}
	edits := map[string]any{"cutoffs": s.cutoffs, "d_embed": s.width, "div_val": s.div, "tie_word_embeddings": s.tied,
		"tie_projs": s.tieProjs, "proj_share_all_but_first": s.share}
	if s.tieProjs == nil {
		edits["tie_projs"] = absent{}
	}
	if s.share == nil {
		edits["proj_share_all_but_first"] = absent{}
	}
	link(t, filepath.Join(edited(t, "transfo_xl", edits), "config.json"), filepath.Join(f.dir, "config.json"))
	if err := safetensors.Save(filepath.Join(f.dir, "model.safetensors"), all, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
}

// cluster is the cluster of a token, and its first token.
func (f *adaptiveFolder) cluster(token int) (i, from int) {
	for token >= f.cutoffs[i] {
		from = f.cutoffs[i]
		i++
	}
	return i, from
}

// vector is the input of the first layer: the projected vector of a token, times √width.
func (f *adaptiveFolder) vector(token int) []float64 {
	i, from := f.cluster(token)
	if f.div == 1 {
		i, from = 0, 0
	}
	row := f.tensors[fmt.Sprintf("transformer.word_emb.emb_layers.%d.weight", i)].Row(token - from)
	y := make([]float64, transfoXLWidth)
	project, ok := f.tensors[fmt.Sprintf("transformer.word_emb.emb_projs.%d", i)]
	for j := range y {
		if !ok {
			y[j] = float64(row[j])
		} else {
			for k, v := range row {
				y[j] += float64(v) * float64(project.Row(j)[k])
			}
		}
		y[j] *= math.Sqrt(transfoXLWidth)
	}
	return y
}

// logProbs are log p of all tokens after a hidden state, by the definition.
func (f *adaptiveFolder) logProbs(hidden []float32) []float64 {
	var all, head []float64
	from := 0
	for i, to := range f.cutoffs {
		table, first, last := i, 0, to-from
		if f.div == 1 {
			table, first, last = 0, from, to
		}
		weight := f.tensors[fmt.Sprintf("crit.out_layers.%d.weight", table)].SliceRows(first, last)
		bias := f.tensors[fmt.Sprintf("crit.out_layers.%d.bias", table)].SliceCols(first, last)
		x := f.projected(hidden, i)
		logits := linear64(x, weight, bias)
		if i == 0 {
			if len(f.cutoffs) > 1 {
				logits = append(logits, linear64(x, f.tensors["crit.cluster_weight"], f.tensors["crit.cluster_bias"])...)
			}
			head = logSoftmax64(logits)
			all = append(all, head[:to]...)
		} else {
			for _, v := range logSoftmax64(logits) {
				all = append(all, head[f.cutoffs[0]+i-1]+v)
			}
		}
		from = to
	}
	return all
}

// projected is a hidden state as the softmax of cluster i reads it.
func (f *adaptiveFolder) projected(hidden []float32, i int) []float64 {
	project, ok := f.tensors[fmt.Sprintf("crit.out_projs.%d", i)]
	x := make([]float64, f.features(i))
	for k := range x {
		if !ok {
			x[k] = float64(hidden[k])
			continue
		}
		for j, v := range hidden {
			x[k] += float64(v) * float64(project.Row(j)[k])
		}
	}
	return x
}

func linear64(x []float64, weight, bias tensor.Mat) []float64 {
	y := make([]float64, weight.Rows)
	for i := range y {
		y[i] = float64(bias.Row(0)[i])
		for k, v := range x {
			y[i] += v * float64(weight.Row(i)[k])
		}
	}
	return y
}

func logSoftmax64(z []float64) []float64 {
	sum := 0.0
	for _, v := range z {
		sum += math.Exp(v)
	}
	y := make([]float64, len(z))
	for i, v := range z {
		y[i] = v - math.Log(sum)
	}
	return y
}

// adaptiveCases are the forms that a vocabulary of clusters has.
var adaptiveCases = []adaptiveSettings{
	{name: "as transfo-xl-wt103", cutoffs: []int{20, 50}, width: 32, div: 4, tied: true},
	{name: "with second names", cutoffs: []int{20, 50}, width: 32, div: 4, tied: true, twins: true},
	{name: "one table", cutoffs: []int{30, 31}, width: 24, div: 1, tied: true},
	{name: "one table of its own", cutoffs: []int{30, 60}, width: 32, div: 1},
	{name: "nothing shared", cutoffs: []int{11, 60}, width: 24, div: 2, share: false},
	{name: "some projections shared", cutoffs: []int{11, 60}, width: 24, div: 2, tieProjs: []bool{true, false, true}, share: false},
	{name: "one cluster", cutoffs: []int{}, width: 40, div: 2, tied: true},
	{name: "a cluster of one token", cutoffs: []int{1, 2}, width: 32, div: 2},
}

// The vectors of tokens and the log-probabilities are those of the definition, for tokens of all clusters.
func TestTransfoXLVocabularies(t *testing.T) {
	var tokens []int32
	for i := range int32(60) {
		tokens = append(tokens, i*37%transfoXLVocab)
	}
	b := &data.Batch{Tokens: tokens, Lengths: []int{len(tokens)}}
	for _, c := range adaptiveCases {
		f := newAdaptiveFolder(t, c)
		m, err := model.Open(f.dir)
		if err != nil {
			t.Error(c.name, err)
			continue
		}
		s := m.NewSession(tensor.Exec{Pool: tensor.NewPool()})
		states, err := s.HiddenStates(b, model.StepOptions{})
		if err != nil {
			t.Fatal(c.name, err)
		}
		got, err := s.Predict(b, model.StepOptions{})
		if err != nil {
			t.Fatal(c.name, err)
		}
		vectors, logs := tensor.New(tensor.F32, len(tokens), transfoXLWidth), tensor.New(tensor.F32, len(tokens), transfoXLVocab)
		rows := make([]int, len(tokens))
		for i, token := range tokens {
			rows[i] = i
			for j, v := range f.vector(int(token)) {
				vectors.Row(i)[j] = float32(v)
			}
			for j, v := range f.logProbs(states[len(states)-1].Row(i)) {
				logs.Row(i)[j] = float32(v)
			}
		}
		near(t, c.name+": vectors", states[0], rows, vectors, 0)
		near(t, c.name+": log-probabilities", got, rows, logs, 0)
		m.Close()
	}
}

// A folder that is saved has the same tensors, without second names.
func TestTransfoXLVocabulariesAreSaved(t *testing.T) {
	for _, c := range adaptiveCases {
		f := newAdaptiveFolder(t, c)
		dir, _, err := saveAs(t, f.dir, model.OpenOptions{}, hf.SaveOptions{})
		if err != nil {
			t.Error(c.name, err)
			continue
		}
		c.twins = false
		if wrong := differing(tensorsOf(t, dir), tensorsOf(t, newAdaptiveFolder(t, c).dir)); len(wrong) > 0 {
			t.Errorf("%s: other tensors: %q", c.name, wrong)
		}
		checkSameOutputs(t, c.name, f.dir, dir)
	}
}

// A tensor that config.json ties to another must have its numbers: transformers takes the other's. What cannot be is refused by name.
func TestTransfoXLVocabulariesAreRefused(t *testing.T) {
	f := newAdaptiveFolder(t, adaptiveSettings{cutoffs: []int{11, 60}, width: 24, div: 2, share: false})
	text, err := os.ReadFile(filepath.Join(f.dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	for want, edits := range map[string]map[string]any{
		`"crit.out_layers.0.weight" unlike "transformer.word_emb.emb_layers.0.weight"`: {"tie_word_embeddings": true},
		`"crit.out_projs.1" unlike "transformer.word_emb.emb_projs.1"`:                 {"tie_projs": []bool{false, true, true}},
		`"crit.out_projs.2" unlike`:                               {"tie_projs": []bool{false, false, true}},
		"tie_projs: found 4, expected one for each of 3 clusters": {"tie_projs": make([]bool, 4)},
		"emb_layers.0.weight":                                     {"cutoffs": []int{12, 60}},
		"div_val: found 6":                                        {"div_val": 6},
	} {
		config := map[string]any{}
		if err := json.Unmarshal(text, &config); err != nil {
			t.Fatal(err)
		}
		maps.Copy(config, edits)
		changed, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		write(t, f.dir, map[string]string{"config.json": string(changed)})
		m, err := model.Open(f.dir)
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want one with %q", edits, err, want)
		}
	}
}
