package hf_test

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/longspan/longspan/checkpoint"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/hf"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train/optim"
)

// adamw is adamw/adamw.json; testdata/golden/README.md describes it.
type adamw struct {
	Steps                              int
	LR, Beta1, Beta2, Eps, Decay, Clip float64
	Folders                            map[string]struct {
		adamwRun
		LR, Eps   float64 // in place of those of the others; 0: theirs
		Clipped   *adamwRun
		Gradients map[string]float64 // the largest element of the first gradient of each tensor
	}
}

type adamwRun struct{ Losses, Norms []float64 }

// Three steps of AdamW move every weight of a checkpoint as PyTorch moves it, with and without clipping, and the first gradient is
// PyTorch's.
func TestAdamW(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(goldenDir, "adamw", "adamw.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g adamw
	if err := json.Unmarshal(text, &g); err != nil || len(g.Folders) < 6 {
		t.Fatal(err, len(g.Folders))
	}
	for folder, want := range g.Folders {
		f, err := safetensors.Open(filepath.Join(goldenDir, "adamw", folder+".safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b, globals := adamwBatch(t, f)
		plain, clipped := g, g
		plain.Clip, plain.LR, plain.Eps = 0, cmp.Or(want.LR, g.LR), cmp.Or(want.Eps, g.Eps)
		plain.check(t, folder, "moved.", want.adamwRun, f, b, globals)
		if want.Clipped != nil {
			clipped.check(t, folder+" clipped", "clipped.", *want.Clipped, f, b, globals)
		}
		if want.Gradients != nil {
			checkGradients(t, folder, want.Gradients, f, b)
		}
	}
}

// checkGradients compares the first gradient of a folder: within 1e-4 of the largest element of each tensor. It is saved as if it were the
// weights, so that it has the names and the shapes of the checkpoint.
func checkGradients(t *testing.T, folder string, tops map[string]float64, f *safetensors.File, b *data.Batch) {
	t.Helper()
	_, m := begun(t, filepath.Join(goldenDir, folder), model.StartOptions{})
	if _, err := m.NewSession(tensor.Exec{}).Step(b, model.StepOptions{Backward: true, Scale: 1}); err != nil {
		t.Fatal(folder, err)
	}
	for _, p := range m.Params() {
		copy(p.Value.F32, p.Grad.F32)
	}
	dir := filepath.Join(t.TempDir(), "saved")
	if _, err := m.SaveAs(dir, model.SaveOptions{SaveOptions: hf.SaveOptions{Type: "f32"}}); err != nil {
		t.Fatal(folder, err)
	}
	saved, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(folder, err)
	}
	defer saved.Close()
	for name, top := range tops {
		e, _ := f.Lookup("gradient." + name)
		steps, err := f.Bytes("gradient." + name)
		if err != nil {
			t.Fatal(folder, err)
		}
		rows, cols := e.Matrix()
		got := tensor.New(tensor.F32, rows, cols)
		if err := saved.ReadMat(got, name); err != nil {
			t.Fatal(folder, err)
		}
		worst := 0.0
		for i, v := range got.F32 {
			step := int16(binary.LittleEndian.Uint16(steps[2*i:]))
			worst = max(worst, math.Abs(float64(v)-top*float64(step)/math.MaxInt16))
		}
		limit := 1e-4 * top
		if keyBias.MatchString(name) { // whose true gradient is 0
			limit = 1e-6
		}
		if !(worst <= limit) {
			t.Errorf("%s: the gradient of %s differs by %.3g of %.3g", folder, name, worst, top)
		}
	}
	if len(tops) < 20 {
		t.Errorf("%s: only %d gradients were compared", folder, len(tops))
	}
}

// adamwBatch is the batch of a golden, and its global tokens.
func adamwBatch(t *testing.T, f *safetensors.File) (b *data.Batch, globals []int) {
	t.Helper()
	read := func(ids, mask string) *data.Batch {
		e, _ := f.Lookup("inputs." + ids)
		tokens, errIDs := f.Ints("inputs." + ids)
		shown, errMask := f.Ints("inputs." + mask)
		if errIDs != nil || errMask != nil {
			t.Fatal(errIDs, errMask)
		}
		b := &data.Batch{}
		for i := 0; i < len(tokens); i += e.Shape[1] {
			n := 0
			for n < e.Shape[1] && shown[i+n] == 1 {
				b.Tokens = append(b.Tokens, int32(tokens[i+n]))
				n++
			}
			b.Lengths = append(b.Lengths, n)
		}
		return b
	}
	b = read("input_ids", "attention_mask")
	if _, ok := f.Lookup("inputs.decoder_input_ids"); ok {
		source := b
		b = read("decoder_input_ids", "decoder_attention_mask")
		b.Source = source
	}
	if _, ok := f.Lookup("inputs.global_attention_mask"); ok {
		globals = []int{0, 5}
	}
	e, _ := f.Lookup("labels")
	labels, err := f.Ints("labels")
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range b.Lengths {
		for _, label := range labels[i*e.Shape[1] : i*e.Shape[1]+n] {
			b.Targets = append(b.Targets, int32(max(label, int64(data.Ignore))))
		}
	}
	return b, globals
}

// check does the steps and compares the losses, the norms of the gradient and the movements of the weights.
func (g adamw) check(t *testing.T, what, prefix string, want adamwRun, f *safetensors.File, b *data.Batch, globals []int) {
	t.Helper()
	from := filepath.Join(goldenDir, strings.TrimSuffix(what, " clipped"))
	_, m := begun(t, from, model.StartOptions{Global: globals})
	w, err := optim.NewWeights(m.Params())
	if err != nil {
		t.Fatal(err)
	}
	o, err := optim.NewAdamW(nil, w, optim.AdamWConfig{Beta1: g.Beta1, Beta2: g.Beta2, Epsilon: g.Eps, Decay: g.Decay})
	if err != nil {
		t.Fatal(err)
	}
	session := m.NewSession(tensor.Exec{})
	for i := range g.Steps {
		w.ZeroGrad(tensor.Exec{})
		r, err := session.Step(b, model.StepOptions{Backward: true, Scale: 1})
		if err != nil {
			t.Fatal(what, err)
		}
		norm := w.GradNorm(tensor.Exec{})
		if math.Abs(r.Loss/want.Losses[i]-1) > 1e-5 || math.Abs(norm/want.Norms[i]-1) > 1e-4 {
			t.Errorf("%s: step %d: loss %.7g and norm %.7g, want %.7g and %.7g", what, i, r.Loss, norm, want.Losses[i], want.Norms[i])
		}
		o.Step(tensor.Exec{}, optim.Update{Step: int64(i + 1), LR: g.LR, Scale: optim.Clip(norm, g.Clip)})
	}
	dir := filepath.Join(t.TempDir(), "saved")
	if _, err := m.SaveAs(dir, model.SaveOptions{SaveOptions: hf.SaveOptions{Type: "f32"}}); err != nil {
		t.Fatal(what, err)
	}
	checkMoved(t, what, prefix, from, dir, f, g.LR/longStep)
}

// keyBias are biases of keys. One adds the same number to all scores of a query, so that its gradient is 0 but for rounding, which AdamW
// divides by itself.
var keyBias = regexp.MustCompile(`(key|key_global|k_proj)\.bias$`)

// keyBiasMoves is how far rounding alone may move such a bias: with gradients of 1e-7, and 1e-6 for epsilon, three steps of 1e-3 go 3e-4.
const keyBiasMoves = 3e-4

// longStep is the rate of the longer steps, which the bounds are for. Those of shorter steps are less, in proportion.
const longStep = 1e-3

// checkMoved compares how far training has moved each tensor of a folder with the golden's: within 1e-4 of the tensor's largest weight,
// times how long the steps are.
func checkMoved(t *testing.T, what, prefix, from, to string, f *safetensors.File, long float64) {
	t.Helper()
	before, errBefore := checkpoint.Open(from)
	after, errAfter := checkpoint.Open(to)
	if errBefore != nil || errAfter != nil {
		t.Fatal(errBefore, errAfter)
	}
	defer before.Close()
	defer after.Close()
	compared := 0
	for _, e := range f.Entries() {
		name, ok := strings.CutPrefix(e.Name, prefix)
		if !ok {
			continue
		}
		rows, cols := e.Matrix()
		var mats [3]tensor.Mat
		for i, read := range []func(tensor.Mat, string) error{before.ReadMat, after.ReadMat, f.ReadMat} {
			mats[i] = tensor.New(tensor.F32, rows, cols)
			if err := read(mats[i], []string{name, name, e.Name}[i]); err != nil {
				t.Fatal(what, err)
			}
		}
		top, worst := 0.0, 0.0
		for i, v := range mats[1].F32 {
			top = max(top, math.Abs(float64(v)))
			worst = max(worst, math.Abs(float64(v)-float64(mats[0].F32[i])-float64(mats[2].F32[i])))
		}
		limit := 1e-4 * top
		if keyBias.MatchString(name) {
			limit = keyBiasMoves
		}
		limit *= long
		if compared++; !(worst <= limit) {
			t.Errorf("%s: %s differs by %.3g of %.3g", what, name, worst, top)
		}
	}
	if compared < 20 {
		t.Errorf("%s: only %d tensors were compared", what, compared)
	}
}
