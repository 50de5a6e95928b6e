package main

import (
	"os"
	"path/filepath"
	"testing"
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
	few, err := f.plan(m, work{spec: body}, 83, 0)
	if err != nil {
		t.Fatal(err)
	}
	many, err := f.plan(m, work{spec: body}, 830, 0)
	if err != nil || many.Scratch < 5*few.Scratch || many.Scratch > 20*few.Scratch {
		t.Errorf("83 tokens take %d bytes, 830 take %d, %v", few.Scratch, many.Scratch, err)
	}
}
