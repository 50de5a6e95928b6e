package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// tiny are the checkpoints of hf/testdata/golden that commands read texts with.
var tiny = map[string]string{
	"embedder": "bert_plain", "classifier": "bert_classify", "tagger": "bert_tag", "masked": "bert", "cross": "xlmr_classify_cross",
	"rotary": "modernbert_plain",
}

// tinyModels makes a folder for each in dir, with the tokenizer of model/testdata/wordpiece.
func tinyModels(dir string) error {
	for name, golden := range tiny {
		folder := filepath.Join(dir, name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		from := filepath.Join(source, "hf", "testdata", "golden", golden)
		for _, file := range []string{filepath.Join(from, "config.json"), filepath.Join(from, "model.safetensors"),
			filepath.Join(source, "model", "testdata", "wordpiece", "tokenizer.json")} {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), content, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// source is the root of the repository, from wherever a test changes to.
var source = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// A plan has no sequence of more tokens than there are learned positions.
func TestEncodersPlanBatchesOfShortSequences(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := tinyModels("."); err != nil {
		t.Fatal(err)
	}
	var f encoderFlags
	m, _, err := openModel(newOutput(os.Stdout, os.Stderr, false), "embedder", f.modelFlags, f.mechanismFlags)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	few, err := f.plan(m, work{spec: body}, 830, 0) // so many that the rooms of each thread, which do not grow, count little
	if err != nil {
		t.Fatal(err)
	}
	many, err := f.plan(m, work{spec: body}, 8300, 0)
	if err != nil || many.Scratch < 5*few.Scratch || many.Scratch > 20*few.Scratch {
		t.Errorf("830 tokens take %d bytes, 8300 take %d, %v", few.Scratch, many.Scratch, err)
	}
}

// Models of this program, whose answers have names, are read too.
func TestEncodersReadOwnFolders(t *testing.T) {
	t.Chdir(t.TempDir())
	for command, c := range map[string]model.Config{
		"classify": {Head: model.Classify, Classes: 2}, "tag": {Head: model.Tag, Classes: 2},
	} {
		c.Kind, c.Vocab, c.Width, c.Layers, c.Heads = model.Encoder, tokenizer.Bytes().Vocab(), 16, 1, 2
		answers := data.Answers{Classes: []string{"exon", "intron"}, Tokens: 20}
		m, err := model.New(c, model.Options{Tokenizer: tokenizer.Bytes(), Answers: answers})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Save(command, tensor.F32); err != nil {
			t.Fatal(err)
		}
		for text, how := range map[string]string{"ACGT": "as a whole", strings.Repeat("ACGT", 8): "chunks of up to 20 tokens"} {
			var stdout, stderr strings.Builder
			if status := run([]string{command, command, "--text", text}, &stdout, &stderr); status != exitOK {
				t.Fatalf("%s: status %d, %s", command, status, &stderr)
			}
			if out := stdout.String(); !strings.Contains(out, how) || !strings.Contains(out, "on\t") {
				t.Errorf("%s %s: found %s, want %s", command, text, out, how)
			}
		}
	}
}

// presser sends this process an interrupt when the first line is written.
type presser struct {
	t     *testing.T
	once  sync.Once
	lines int
}

func (p *presser) Write(b []byte) (int, error) {
	p.lines++
	p.once.Do(func() {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(os.Interrupt)
		}
		if err != nil {
			p.t.Error(err)
		}
	})
	return len(b), nil
}

func TestCtrlCEndsEmbedding(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot interrupt itself there")
	}
	t.Chdir(t.TempDir())
	if err := tinyModels("."); err != nil {
		t.Fatal(err)
	}
	const texts = 20000
	if err := os.WriteFile("texts.txt", []byte(strings.Repeat("law\n", texts)), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	stdout := &presser{t: t}
	status := run([]string{"embed", "embedder", "texts.txt", "--lines", "--batch", "1", "--threads", "1"}, stdout, &stderr)
	if status != exitFailed || stderr.String() != "longspan: interrupted\n" || stdout.lines == 0 || stdout.lines == texts {
		t.Errorf("status %d after %d lines, %q", status, stdout.lines, stderr.String())
	}
}
