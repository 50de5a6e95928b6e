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
