package patchflow

import (
	"testing"

	"github.com/longspan/longspan/data"
)

// The batches of examples/photos.yaml. On one thread of an AMD Zen 4 at avx512 …
func BenchmarkSource(b *testing.B) {
	photos := &Photos{}
	for i := range 2 {
		if err := photos.Add(texture(1600, 1200, 40*float64(i)), 0); err != nil {
			b.Fatal(err)
		}
	}
	c := DefaultConfig()
	s, err := NewSource(c, DefaultData(), fitted().base, photos, 1, 1)
	if err != nil {
		b.Fatal(err)
	}
	var batch data.Batch
	for b.Loop() {
		for range 2 {
			if err := s.Next(&batch); err != nil {
				b.Fatal(err)
			}
		}
	}
}
