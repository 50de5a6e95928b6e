package patchflow

import (
	"testing"

	"github.com/longspan/longspan/data"
)

// A batch for each network of examples/photos.yaml: 0.3 s, one thread of a busy AMD Zen 4.
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
