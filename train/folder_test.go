package train

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestAFolderThatCannotBeMadeIsInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Run(context.Background(), filepath.Join(file, "run"), testJob(t, nil))
	requireInput(t, err, "cannot be written to")
	if os.Geteuid() <= 0 {
		t.Skip("the superuser may write anywhere, and other systems have other rights")
	}
	dir := t.TempDir()
	for _, c := range []string{dir, filepath.Join(dir, "run")} {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		_, err := Run(context.Background(), c, testJob(t, nil))
		requireInput(t, err, "cannot be written to")
	}
}

// A folder with a checkpoint in another form has no config of a run, and the same names of files.
func TestAFolderOfOtherFilesIsLeftAsItIs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors", "tokenizer.json", "vocab.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Run(context.Background(), dir, testJob(t, nil))
	requireInput(t, err, dir+": found config.json, model.safetensors, tokenizer.json and 1 more in the folder, expected a new or an empty one")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Fatalf("the folder has now %v, %v", entries, err)
	}
	for _, e := range entries {
		if text, err := os.ReadFile(filepath.Join(dir, e.Name())); err != nil || string(text) != e.Name() {
			t.Errorf("%s is now %q, %v", e.Name(), text, err)
		}
	}
}

// A run that was killed before its first file leaves the folder to the next.
func TestAFolderOfARunThatNeverBegan(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, checkpointsDir), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{lockName, "." + ConfigName + ".partial-1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t, dir, testJob(t, func(c *Config) { c.Steps = 10 }))
}
