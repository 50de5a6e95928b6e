package model

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/longspan/longspan/tensor"
)

// settingsOf opens a copy of a golden checkpoint whose config.json, or generation_config.json, is another one.
func settingsOf(t *testing.T, name string, files map[string]string) *Model {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../hf/testdata/golden/"+name)); err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		path := filepath.Join(dir, file)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// withSettings is the config.json of a golden checkpoint with more keys.
func withSettings(t *testing.T, name, keys string) string {
	t.Helper()
	text, err := os.ReadFile("../hf/testdata/golden/" + name + "/config.json")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(text), "{", "{"+keys+",", 1)
}

// An older folder says in config.json what generation_config.json says today, and a saved model says the same.
func TestSearchSettings(t *testing.T) {
	config := withSettings(t, "bart", `"num_beams": 4, "length_penalty": 2.0, "num_beam_groups": 2, "task_specific_params": {"summarization": `+
		`{"prefix": "sum: ", "num_beams": 6, "min_length": 11}}`)
	old := settingsOf(t, "bart", map[string]string{"config.json": config, "generation_config.json": ""})
	check := func(m *Model) {
		t.Helper()
		s, prefix, err := m.SearchSettings("")
		if err != nil || s.Beams != 4 || s.LengthPenalty != 2 || prefix != "" || *s.Start != 2 || s.MinLength != 0 || len(s.Notes) != 1 {
			t.Errorf("found %+v, %q, %v", s, prefix, err)
		}
		if s, prefix, err = m.SearchSettings("summarization"); err != nil || s.Beams != 6 || s.LengthPenalty != 2 || prefix != "sum: " ||
			s.MinLength != 11 {
			t.Errorf("found %+v, %q, %v of the task", s, prefix, err)
		}
	}
	check(old)
	dir := t.TempDir()
	if err := old.Save(dir, tensor.F32); err != nil {
		t.Fatal(err)
	}
	saved, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	check(saved)
	general, _, _ := old.SearchSettings("")
	if again, _, _ := saved.SearchSettings(""); !reflect.DeepEqual(again.Config, general.Config) {
		t.Errorf("found %+v of the saved model, want %+v", again.Config, general.Config)
	}
}

// Where both files have tasks, generation_config.json counts, each time.
func TestSearchSettingsOfBothFiles(t *testing.T) {
	dir := t.TempDir()
	for name, prefix := range map[string]string{modelConfig: "old: ", generationConfig: "new: "} {
		text := `{"task_specific_params": {"summarization": {"prefix": "` + prefix + `"}}}`
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 { // an order that changes would show
		if found, want := readSettings(dir).tasks["summarization"].prefix, "new: "; found != want {
			t.Fatalf("found the prefix %q, want %q", found, want)
		}
	}
}

func TestSearchSettingsRefuse(t *testing.T) {
	for want, files := range map[string]map[string]string{
		`generation_config.json: num_beams: found "four"`: {"generation_config.json": `{"num_beams": "four"}`},
		"task_specific_params: summarization: prefix: found 3, expected a text": {
			"config.json": withSettings(t, "bart", `"task_specific_params": {"summarization": {"prefix": 3}}`)},
	} {
		m := settingsOf(t, "bart", files)
		if _, _, err := m.SearchSettings(""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
		if err := m.Save(t.TempDir(), tensor.F32); err == nil {
			t.Errorf("saved a model with %s", want)
		}
	}
}
