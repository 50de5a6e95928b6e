package recipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/checkpoint"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// tiny is a folder in Hugging Face's form: BERT of 32 features, with a tokenizer of 89 tokens.
func tiny(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range map[string]string{"config.json": "../hf/testdata/golden/bert/config.json",
		"model.safetensors": "../hf/testdata/golden/bert/model.safetensors", "tokenizer.json": "../model/testdata/wordpiece/tokenizer.json"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, dir, name, text)
	}
	writeFile(t, dir, "tokenizer_config.json", []byte(`{"tokenizer_class": "BertTokenizer", "mask_token": "[MASK]", "pad_token": "[PAD]",
		"cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}`))
	return dir
}

func writeFile(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// texts is a file of documents with labels.
func texts(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"text": "%s", "label": "%s"}`+"\n", strings.Repeat([]string{"a cab. ", "dead! "}[i%2], 3+i%5),
			[]string{"calm", "loud"}[i%2])
	}
	return writeFile(t, t.TempDir(), "texts.jsonl", b.Bytes())
}

// tuned runs a recipe in dir.
func tuned(ctx context.Context, text, dir string, resume bool) (train.Result, error) {
	return tunedWith(ctx, text, dir, resume, 2)
}

// tunedWith is tuned with a number of threads.
func tunedWith(ctx context.Context, text, dir string, resume bool, threads int) (train.Result, error) {
	r, err := recipe.Parse([]byte(text), "tuned.yaml", nil)
	if err != nil {
		return train.Result{}, err
	}
	sets, err := r.Open(0)
	if err != nil {
		return train.Result{}, err
	}
	defer r.Close()
	if err := r.Fit(sets); err != nil {
		return train.Result{}, err
	}
	if _, err := r.FitMemory(sets, recipe.Room{}); err != nil {
		return train.Result{}, err
	}
	x := tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
	m, err := r.Build(sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		return train.Result{}, err
	}
	defer m.Close()
	job, err := r.Job(sets, m, x)
	if err != nil {
		return train.Result{}, err
	}
	do := train.Run
	if resume {
		do = train.Resume
	}
	return do(ctx, dir, job)
}

// stoppedAfter is done once a step of the log was written.
type stoppedAfter struct {
	context.Context
	log string
}

func (s stoppedAfter) Err() error {
	if text, err := os.ReadFile(s.log); err == nil && bytes.Contains(text, []byte(`"step":2`)) {
		return context.Canceled
	}
	return nil
}

// A checkpoint is fine-tuned on texts, with its own head or another, is left in the form that it came in, and resumes with the same bits.
func TestFineTune(t *testing.T) {
	init, file := tiny(t), texts(t, 24)
	for _, c := range []struct{ name, text, head, class string }{
		{"masked tokens", "data: {batch: 3, text: {train: [%[2]s], hold_out: 3, tokens: 24}}\n", model.MaskedLM, "BertForMaskedLM"},
		{"classes", "data: {batch: 3, labelled: {train: [%[2]s], hold_out: 3, tokens: 24, too_long: truncate}}\n" +
			"model: {recompute: every, precision: bf16, dropout: 0.1}\n", model.Classify, "BertForSequenceClassification"},
		{"vectors", "data: {batch: 3, contrastive: {train: [%[2]s], hold_out: 3, tokens: 64, query: [label], passage: [text]}}\n", model.Embed,
			"BertModel"},
		{"windows", "data: {batch: 3, text: {train: [%[2]s], hold_out: 3, tokens: 24}}\nmodel: {attention: [window(4)], precision: fp16}\n",
			model.MaskedLM, ""},
	} {
		text := fmt.Sprintf(c.text+"train: {init: %[1]s, steps: 4, optimizer: {lr: 1e-3, warmup: 1}, log: {every: 1}, eval: {batches: 2}}\n",
			init, file)
		whole, parted := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parted")
		if _, err := tuned(t.Context(), text, whole, false); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		stop := stoppedAfter{t.Context(), filepath.Join(parted, "log.jsonl")}
		if r, err := tuned(stop, text, parted, false); err != nil || !r.Interrupted || r.Step > 3 {
			t.Errorf("%s: %+v, %v: want an interrupted run", c.name, r, err)
		}
		if _, err := tuned(t.Context(), text, parted, true); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		files := []string{"model.safetensors", "model.json", "tokenizer.json"}
		if c.class != "" {
			files = append(files, "model/model.safetensors", "model/config.json", "model/tokenizer.json", "model/tokenizer_config.json")
		}
		for _, name := range files {
			a, errA := os.ReadFile(filepath.Join(whole, name))
			b, errB := os.ReadFile(filepath.Join(parted, name))
			if errors.Join(errA, errB) != nil || !bytes.Equal(a, b) {
				t.Errorf("%s: %s of the resumed run differs: %v, %v", c.name, name, errA, errB)
			}
		}
		checkTuned(t, c.name, whole, c.head, c.class)
		if c.head == model.Embed {
			checkBeheaded(t, whole)
		}
	}
}

// checkBeheaded looks for the head of masked tokens that the model of vectors does not have, and for what the log says of it.
func checkBeheaded(t *testing.T, run string) {
	t.Helper()
	w, err := checkpoint.Open(filepath.Join(run, "model"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, e := range w.Entries() {
		if strings.HasPrefix(e.Name, "cls.") {
			t.Errorf("the saved model has the tensor %s", e.Name)
		}
	}
	text, err := os.ReadFile(filepath.Join(run, "log.jsonl"))
	if err != nil || !bytes.Contains(text, []byte("the head of the BertForMaskedLM is left out: the model gives vectors, as a BertModel")) {
		t.Errorf("the log does not say that the head is left out: %v\n%s", err, text)
	}
}

// checkTuned opens the model of a run in both forms.
func checkTuned(t *testing.T, what, run, head, class string) {
	t.Helper()
	native, err := model.OpenWith(run, model.OpenOptions{Precision: "f32"})
	if err != nil {
		t.Fatal(what, err)
	}
	defer native.Close()
	if native.Spec().Head.Kind != head {
		t.Errorf("%s: the head is %s, want %s", what, native.Spec().Head.Kind, head)
	}
	if class == "" {
		if _, err := os.Stat(filepath.Join(run, "model")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: found another form: %v", what, err)
		}
		return
	}
	m, err := model.Open(filepath.Join(run, "model"))
	if err != nil {
		t.Fatal(what, err)
	}
	defer m.Close()
	if m.Origin().Class != class || !slices.Equal(m.Answers().Classes, native.Answers().Classes) {
		t.Errorf("%s: the class is %s with %q, want %s with %q", what, m.Origin().Class, m.Answers().Classes, class, native.Answers().Classes)
	}
	own := map[string][]float32{}
	for _, p := range native.Params() {
		own[p.Name] = p.Value.F32
	}
	for _, p := range m.Params() {
		if !slices.Equal(p.Value.F32, own[p.Name]) {
			t.Errorf("%s: other weights %q", what, p.Name)
		}
	}
}

// A run of this program is continued with its own layers too, and with another task.
func TestFineTuneOwn(t *testing.T) {
	init, file := tiny(t), texts(t, 24)
	const end = "train: {init: %s, steps: 2, optimizer: {warmup: 0}, eval: {batches: 1}}\n"
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	if _, err := tuned(t.Context(), fmt.Sprintf("data: {text: {train: [%s], hold_out: 3, tokens: 24}}\n"+end, file, init), first, false); err != nil {
		t.Fatal(err)
	}
	if _, err := tuned(t.Context(), fmt.Sprintf("data: {labelled: {train: [%s], hold_out: 3, tokens: 40}}\n"+end, file, first), second,
		false); err != nil {
		t.Fatal(err)
	}
	m, err := model.Open(second)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if h := m.Spec().Head; h.Kind != model.Classify || h.Classes != 2 || m.Spec().Vocab != 89 {
		t.Errorf("the head is %+v of %d tokens", h, m.Spec().Vocab)
	}
}

func TestWhatCannotBeFineTuned(t *testing.T) {
	init, file := tiny(t), texts(t, 24)
	bare := t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors"} {
		text, err := os.ReadFile(filepath.Join(init, name))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, bare, name, text)
	}
	for _, c := range []struct{ text, want string }{
		{"model: {width: 32}\ndata: {text: {}}\n", "model: width is given with train.init of a checkpoint"},
		{"data: {genome: {}}\n", "data: found genome with the model of train.init, expected text, labelled or contrastive"},
		{"data: {text: {tokens: 300}}\n", "found sequences of 300 tokens for a model of 211 learned positions"},
		{"data: {text: {stateful: true}}\n", "stateful is given with the tokenizer of a checkpoint"},
		{"data: {text: {shuffle: 3}}\n", "shuffle is given with the tokenizer of a checkpoint"},
		{"data: {text: {cross: true}}\n", "cross is given for a checkpoint that is no decoder"},
		{"data: {text: {tokens: 2}}\n", "found sequences of 2 tokens, of which 2 are special"},
		{"model: {head: lm}\ndata: {text: {tokens: 64}}\n", "the head lm is asked for: hf: "},
		{"model: {head: classify}\ndata: {text: {tokens: 64}}\n", "found the head classify, and the data has tokens to predict"},
		{"model: {attention: [window(4)]}\ndata: {text: {tokens: 64}}\ntrain: {save: huggingface}\n",
			"this model cannot be written in Hugging Face's form"},
		{"data: {text: {}}\ntrain: {init: no/such}\n", "train: init: no/such is no folder and no file here"},
		{"data: {text: {}}\ntrain: {init: no/such}\n", "download it with: longspan pull no/such"},
		{"data: {text: {}}\ntrain: {init: " + bare + "}\n", "found no tokenizer in"},
		{"data: {labelled: {train: [" + file + "], hold_out: 3, tokens: 8}}\n", "with tokens: 8 a sequence has room for 6"},
		{"data: {text: {}}\ntrain: {save: tensorflow}\n", `save is "tensorflow"; use native or huggingface`},
		{"data: {text: {}}\ntrain: {save_type: int8}\n", `save_type is "int8"; use f32, bf16 or fp16`},
	} {
		text := c.text
		if !strings.Contains(text, "init:") {
			if !strings.Contains(text, "train: {") {
				text += "train: {steps: 1}\n"
			}
			text = strings.Replace(text, "train: {", "train: {init: "+init+", optimizer: {warmup: 0}, ", 1)
		}
		if !strings.Contains(text, "train: [") { // the documents in the program have letters that the tokenizer does not know
			text = strings.Replace(text, "text: {", "text: {train: ["+file+"], hold_out: 3, ", 1)
		}
		_, err := tuned(t.Context(), text, filepath.Join(t.TempDir(), "run"), false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", text, err, c.want)
		}
	}
}
