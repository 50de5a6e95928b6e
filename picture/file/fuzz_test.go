package file_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/longspan/longspan/picture/file"
)

// What anybody's bytes are read as can be written, and read again as the same.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(pillow, "*.*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil && len(data) < 5000 {
			f.Add(data)
		}
	}
	f.Add(head(100_000, 100_000))
	f.Add(sized(f, 65535, 65535))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := file.Read(bytes.NewReader(data), "fuzz", file.Limits{MaxPixels: 1 << 14})
		if err != nil {
			return
		}
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		again := read(t, write(t, p, file.PNG))
		opaque := again.Alpha == nil || p.Alpha == nil
		if !bytes.Equal(again.ICC, p.ICC) || again.Bits != p.Bits || again.Image.Channels != p.Image.Channels {
			t.Fatalf("wrote %d bits of %d channels; read %d of %d", p.Bits, p.Image.Channels, again.Bits, again.Image.Channels)
		}
		if !opaque && far(t, again.Alpha, p.Alpha) > 0.51 || far(t, again.Image, p.Image) > 0.51 {
			t.Fatal("the picture changed")
		}
		write(t, p, file.JPEG)
	})
}
