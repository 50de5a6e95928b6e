//go:build unix && !solaris && !aix

package filelock

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOneHasTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	first, second := open(), open()
	for i, c := range []struct {
		f    *os.File
		free bool
	}{{first, true}, {second, false}, {first, true}} {
		if free, err := Try(c.f); err != nil || free != c.free {
			t.Errorf("%d: found %v, %v", i, free, err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if free, err := Try(second); err != nil || !free {
		t.Errorf("after the other was closed: found %v, %v", free, err)
	}
}
